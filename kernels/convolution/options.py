"""What a caller may say about a convolution, brought to one hashable form before anything is traced."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from kernels.convolution.choice import rules
from kernels.convolution.choice.table import Policy
from kernels.errors import GroupsError, ImplementationError, KernelError, PaddingError, WindowError
from kernels.precision import parse as parse_precision

Ints = int | Sequence[int]
Pads = tuple[tuple[int, int], ...]
Padding = str | int | Sequence[tuple[int, int]]
Precision = Any  # lax.PrecisionLike: None, a name, a lax.Precision, or a pair of them

NAMES = ("SAME", "VALID", "CIRCULAR", "REFLECT")
WRAPS = ("CIRCULAR", "REFLECT")


class Options(NamedTuple):
    """One convolution's static options, one entry per spatial axis where that makes sense."""

    strides: tuple[int, ...]
    padding: str | Pads
    dilation: tuple[int, ...]
    groups: int
    flip: bool
    implementation: str | Policy
    precision: Precision

    @property
    def rank(self) -> int:
        return len(self.strides)


def parse(
    rank: int,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
    implementation: str | Policy = "auto",
    precision: Precision = None,
) -> Options:
    """Check the options and bring them to canonical, hashable form."""
    check_implementation(implementation)
    return Options(
        per_axis("strides", strides, rank),
        parse_padding(padding, rank),
        per_axis("dilation", dilation, rank),
        positive("groups", groups, GroupsError),
        bool(flip),
        implementation,
        parse_precision(precision),
    )


def check_implementation(implementation: object) -> None:
    """A known name, or a policy of known names."""
    given = implementation.names if isinstance(implementation, Policy) else (implementation,)
    for name in given:
        if name not in rules.NAMES:
            raise ImplementationError(
                "implementation",
                "must be a known name",
                repr(name),
                f"give one of {rules.NAMES} or a policy",
            )


def positive(name: str, value: object, kind: type[KernelError] = WindowError) -> int:
    """One positive integer, or an error of the given kind."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise kind(name, "must be a positive integer", repr(value), "give 1 or more")
    return number


def per_axis(name: str, value: Ints, rank: int) -> tuple[int, ...]:
    """One positive integer for all axes, or one each."""
    try:
        values = tuple(value)  # type: ignore[arg-type]
    except TypeError:
        return (positive(name, value),) * rank
    if len(values) != rank:
        raise WindowError(
            name,
            f"must have one entry per spatial axis ({rank})",
            values,
            f"give an integer or {rank} of them",
        )
    return tuple(positive(name, v) for v in values)


def parse_padding(padding: Padding, rank: int) -> str | Pads:
    """A known name, one width for every side, or a (low, high) pair per axis; negative widths crop."""
    if isinstance(padding, str):
        if padding.upper() not in NAMES:
            raise PaddingError(
                "padding", "must be a known name", repr(padding), f"give one of {NAMES} or pairs"
            )
        return padding.upper()
    if isinstance(padding, int):
        return ((int(padding), int(padding)),) * rank
    try:
        pads = tuple((operator.index(low), operator.index(high)) for low, high in padding)
    except (TypeError, ValueError):
        pads = ()
    if len(pads) != rank:
        raise PaddingError(
            "padding",
            f"must be a name, an integer or {rank} pairs of integers",
            padding,
            "write [(low, high), ...]",
        )
    return pads
