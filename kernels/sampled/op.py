"""A kernel on R^n on a grid: an ordinary convolution whose equivariance error is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kernels.lattice.fibred import FibredOp
from kernels.sampled.error import EquivarianceError, KernelsKept
from kernels.sampled.window import Window


@dataclass(frozen=True, eq=False, repr=False)
class SampledOp(FibredOp):
    """An operator between fields on R^n, read off on a grid: op(w, x, b=None).

        y[p] = sum over taps d of K[d] x[p + d]  +  b        K = sum_k w_k K_k

    Exactly equivariant under the turns that map the grid to itself, `symmetries`; approximately under the
    others, and `equivariance_error` says by how much, kernel by kernel. `kernels_kept` says which kernels the
    window holds. `w`: (kernels, copies in, copies out), or a tuple of them, one per pair of blocks; kernels
    have unit energy and are ordered as the solution's P_b, then by radial function.

    >>> import derive, jax, kernels
    >>> G = derive.special_orthogonal(2)
    >>> E = derive.euclidean(2, G)
    >>> x, y = derive.Field(E), derive.Field(E, fibre=4 * derive.irrep(G, 1))
    >>> op = kernels.lower(derive.solve(x, y, support=derive.ball("R")), window=5)
    >>> op
    SampledOp(1 -> 8 channels on 5 x 5 taps, |w| <= 2.36, 16 free weights, worst error 1.5%)
    >>> op(op.init(jax.random.key(0)), jax.numpy.ones((2, 32, 32, 1))).shape
    (2, 32, 32, 8)
    """

    window: Window = field(default=None)  # type: ignore[assignment]
    error: EquivarianceError = field(default=None, compare=False)  # type: ignore[assignment]

    @property
    def equivariance_error(self) -> EquivarianceError:
        """By kernel, and at elements one asks for: printable."""
        return self.error

    @property
    def kernels_kept(self) -> KernelsKept:
        """What the window holds, and what was dropped and why: printable."""
        return KernelsKept(self.error.pairs)

    def describe(self) -> str:
        """One line per axis, then the error of every kernel."""
        return f"{super().describe()}\n{self.error!r}"

    def __repr__(self) -> str:
        weights = f"{self.dim} free weight{'' if self.dim == 1 else 's'}"
        bias = f", {self.bias_dim} bias{'es' if self.bias_dim != 1 else ''}" if self.bias_dim else ""
        worst: Any = self.error.worst
        said = "exact" if worst < 1e-6 else f"worst error {100 * worst:.2g}%"
        channels = f"{self.channels_in} -> {self.channels_out} channels on {self.window}"
        return f"SampledOp({channels}, {weights}{bias}, {said})"
