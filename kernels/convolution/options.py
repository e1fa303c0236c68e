"""What a caller may say about a convolution, brought to one hashable form before anything is traced."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kernels.convolution.borders.border import Border, Padding, parse_padding
from kernels.convolution.choice import rules
from kernels.convolution.choice.table import Policy
from kernels.errors import DtypeError, GroupsError, ImplementationError, brief, known
from kernels.integers import Ints, per_axis, positive
from kernels.precision import parse as parse_precision

Precision = Any  # lax.PrecisionLike: None, a name, a lax.Precision, or a pair of them
DtypeLike = Any


class Options(NamedTuple):
    """One convolution's static options, one entry per spatial axis where that makes sense."""

    strides: tuple[int, ...]
    padding: tuple[Border, ...]
    dilation: tuple[int, ...]
    input_dilation: tuple[int, ...]
    groups: int
    batch_groups: int
    flip: bool
    implementation: str | Policy
    precision: Precision
    wanted: str | None  # the dtype of the sums, preferred_element_type of `jax.lax`

    @property
    def rank(self) -> int:
        return len(self.strides)


def parse(
    rank: int,
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
    groups: int = 1,
    batch_group_count: int = 1,
    flip: bool = False,
    implementation: str | Policy = "auto",
    precision: Precision = None,
    preferred_element_type: DtypeLike = None,
) -> Options:
    """Check the options and bring them to canonical, hashable form."""
    check_implementation(implementation)
    return Options(
        strides=per_axis("strides", strides, rank),
        padding=parse_padding(padding, rank),
        dilation=per_axis("dilation", dilation, rank),
        input_dilation=per_axis("input_dilation", input_dilation, rank),
        flip=bool(flip),
        implementation=implementation,
        precision=parse_precision(precision),
        wanted=_element_type(preferred_element_type),
        **_groups(groups, batch_group_count),
    )


def check_implementation(implementation: object) -> None:
    """A known name, or a policy of known names."""
    given = implementation.names if isinstance(implementation, Policy) else (implementation,)
    for name in given:
        if not known(name, rules.NAMES):
            raise ImplementationError(
                "implementation",
                "must be a known name",
                brief(name),
                f"give one of {rules.NAMES} or a policy",
            )


def _groups(groups: int, batch_groups: int) -> dict[str, int]:
    """Groups of channels or of samples, not of both (as lax has it)."""
    channels = positive("groups", groups, GroupsError)
    samples = positive("batch_group_count", batch_groups, GroupsError)
    if channels > 1 and samples > 1:
        raise GroupsError(
            "batch_group_count", f"must be 1 beside {channels} groups", samples, "use one of them"
        )
    return {"groups": channels, "batch_groups": samples}


def _element_type(dtype: DtypeLike) -> str | None:
    """The name of a dtype of numbers, as wide as JAX has it now."""
    try:
        name = None if dtype is None else jax.dtypes.canonicalize_dtype(dtype).name
    except TypeError:
        name = ""
    if name is not None and not (name and jnp.issubdtype(name, jnp.number)):
        raise DtypeError(
            "preferred_element_type", "must be a dtype of numbers", brief(dtype), "say jnp.float32"
        )
    return name
