"""What would be chosen for a layer, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from kernels.convolution import options
from kernels.convolution.algorithms import registry
from kernels.convolution.borders.border import Padding
from kernels.convolution.choice import rules
from kernels.convolution.choice.directions import directions
from kernels.convolution.choice.table import Policy
from kernels.convolution.work import Work
from kernels.integers import Ints
from kernels.lax_alone import asked


class Reason(NamedTuple):
    """One direction of a layer: what was chosen, why, and for what."""

    direction: str
    implementation: str
    why: str
    work: Work


@dataclass(frozen=True)
class Explanation:
    """The choices for a layer; printed, one line each."""

    platform: str
    forward: Reason
    input_adjoint: Reason
    kernel_adjoint: Reason

    def __str__(self) -> str:
        reasons = (self.forward, self.input_adjoint, self.kernel_adjoint)
        lines = (f"{r.direction + ':':15} {r.implementation:8} {r.why}" for r in reasons)
        return "\n".join((f"on {self.platform}", *lines))


def explain(
    x_shape: Sequence[int],
    kernel_shape: Sequence[int],
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
    groups: int = 1,
    transposed: bool = False,
    dtype: Any = "float32",
    preferred_element_type: Any = None,
    platform: str | None = None,
    implementation: str | Policy = "auto",
) -> Explanation:
    """Say which implementation computes a layer and both of its adjoints, and why.

    Args:
        x_shape, kernel_shape: the shapes of the arrays given to `conv`, or to `conv_transpose`.
        strides, padding, dilation, input_dilation, groups, implementation: as there.
        transposed: the layer is `conv_transpose`.
        dtype: of both arrays; preferred_element_type: of the sums and of the result, as there.
        platform: "cpu", "cuda", "tpu", ...; the one that JAX uses unless given.

    Returns:
        A frozen record, which prints as one line per direction.

    Raises:
        KernelError: as the layer itself does; ImplementationError where a forced one cannot serve.

    >>> print(explain((8, 56, 56, 64), (3, 3, 1, 64), groups=64, platform="cuda"))
    on cuda
    forward:        xla      XLA's own convolution stands where nothing else was measured
    input adjoint:  xla      XLA's own convolution stands where nothing else was measured
    kernel adjoint: xla      XLA's own convolution stands where nothing else was measured
    >>> explain((8, 56, 56, 64), (1, 1, 64, 256), platform="cpu").kernel_adjoint.implementation
    'matmul'

    Source: the rules in `rules.py`.
    """
    options.check_implementation(implementation)
    implementation = "lax" if asked(implementation) else implementation
    platform = jax.default_backend() if platform is None else platform
    layer = {
        "strides": strides,
        "padding": padding,
        "dilation": dilation,
        "input_dilation": input_dilation,
        "groups": groups,
        "preferred_element_type": preferred_element_type,
    }
    three = directions(x_shape, kernel_shape, dtype, platform, transposed, **layer)
    return Explanation(platform, *(_reason(d.name, d.work, implementation) for d in three))


def _reason(direction: str, work: Work, implementation: str | Policy) -> Reason:
    choice = rules.decide(work, implementation)
    return Reason(direction, registry.named(choice.name, work).name, choice.why, work)
