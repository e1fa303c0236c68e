"""Equivariant differential operators on grids: central differences, as one convolution.

    D_1^a D_2^b ... -> s_a (x) s_b (x) ...        s_a the central stencil of the a-th derivative

Every axis has the same stencils, even ones for even derivatives and odd ones for odd, so the op commutes
exactly with the turns and mirrors that take the grid, and its spacing, to itself. Stencils of first
derivatives along different axes commute, whatever the border: curl grad = 0 and div curl = 0 hold as
matrices. But div grad is a Laplacian on every second site, not that of nearest neighbours, `Laplacian`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from math import factorial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kernels.convolution import operands
from kernels.convolution.api import conv
from kernels.convolution.matrices import conv_matrix
from kernels.errors import KernelError, PaddingError, ShapeError, WindowError, brief, known
from kernels.integers import index
from kernels.precision import at_its_own, cast, constant, in_its_mode, mode_of, summed
from kernels.spacing import read_spacing
from kernels.static import Content, Static

ACCURACIES = (2, 4, 6)
PADDINGS = ("SAME", "CIRCULAR", "VALID")


@runtime_checkable
class PlainDifferential(Protocol):
    """The plain-NumPy face of differential operators: their terms ``value D^exponents``."""

    @property
    def order(self) -> int: ...

    @property
    def operators(self) -> int: ...

    @property
    def single(self) -> bool: ...

    @property
    def exponents(self) -> np.ndarray: ...


def central(derivative: int, accuracy: int) -> tuple[Fraction, ...]:
    """The stencil of a derivative on the fewest sites about the middle for which the error is h^accuracy.

    Exact for polynomials of degree below derivative + accuracy.

    >>> central(2, 2), central(1, 4)[2:]
    ((Fraction(1, 1), Fraction(-2, 1), Fraction(1, 1)), (Fraction(0, 1), Fraction(2, 3), Fraction(-1, 12)))

    Source: B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", 1988.
    """
    if derivative == 0:
        return (Fraction(1),)
    reach = (derivative + 1) // 2 + accuracy // 2 - 1
    nodes = range(-reach, reach + 1)
    return tuple(factorial(derivative) * _lagrange(nodes, k)[derivative] for k in nodes)


def _lagrange(nodes: Sequence[int], at: int) -> list[Fraction]:
    """The coefficients of the polynomial that is 1 at one node and 0 at the others, from the constant up."""
    total = [Fraction(1)]
    for other in nodes:
        if other != at:
            shifted = [Fraction(0), *total]
            lowered = [*(c * other for c in total), Fraction(0)]
            total = [(a - b) / (at - other) for a, b in zip(shifted, lowered, strict=True)]
    return total


def stencils(plain: Any, accuracy: int, spacing: Sequence[float]) -> np.ndarray:
    """All operators on one window: (operators, window..., C_in, C_out) in float64."""
    tops = plain.exponents.max(axis=0, initial=0).tolist()
    reach = [len(central(top, accuracy)) // 2 for top in tops]
    window = [2 * r + 1 for r in reach]
    found = np.zeros((plain.operators, *window, plain.channels_in, plain.channels_out))
    terms = zip(plain.which, plain.row, plain.column, plain.value, plain.exponents.tolist(), strict=True)
    for which, row, column, value, exponents in terms:
        axes = [np.array([float(c) for c in central(k, accuracy)]) for k in exponents]
        tap: Any = np.array(1.0)
        for stencil, k, h in zip(axes, exponents, spacing, strict=True):
            tap = np.multiply.outer(tap, stencil / h**k)
        place = tuple(slice(r - len(a) // 2, r + len(a) // 2 + 1) for r, a in zip(reach, axes, strict=True))
        found[(which, *place, column, row)] += value * tap
    return found


@dataclass(frozen=True, eq=False, repr=False)
class _Differences(Content):
    """What one operator and a sum of several share."""

    axes: int
    order: int
    channels_in: int
    channels_out: int
    accuracy: int
    spacing: tuple[float, ...]
    padding: str
    taps: Static
    dtype: Any = None
    precision: str | None = "highest"
    implementation: Any = "auto"
    name: str = field(default="", compare=False)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        jax.tree_util.register_static(cls)

    @property
    def exact_degree(self) -> int:
        """Polynomials of up to this degree are differentiated exactly, away from the border."""
        return self.order + self.accuracy - 1

    @property
    def window(self) -> tuple[int, ...]:
        """The sites along each axis that an output looks at."""
        return self.taps.array.shape[1 : self.axes + 1]

    def describe(self) -> str:
        """The operators, and how they are approximated."""
        size = " x ".join(map(str, self.window))
        unit = "" if set(self.spacing) == {1.0} else f", spacing {_numbers(self.spacing)}"
        return "\n".join([
            self.name,
            f"central differences of accuracy {self.accuracy}: the error falls as h^{self.accuracy}, "
            f"polynomials of degree {self.exact_degree} are exact",
            f"one convolution, window {size}{unit}, padding {self.padding}",
        ])  # fmt: skip

    def __repr__(self) -> str:
        channels = f"{self.channels_in} -> {self.channels_out} channels"
        rest = f"order {self.order}, accuracy {self.accuracy}, {self.padding}"
        return f"{type(self).__name__}({channels} on R^{self.axes}, {rest})"

    def _matrix(self, taps: np.ndarray, grid: Any) -> np.ndarray:
        with mode_of(taps.dtype):
            return np.asarray(conv_matrix(jnp.asarray(taps), grid, padding=self.padding))

    def _differenced(self, taps: jax.Array, x: jax.Array) -> jax.Array:
        operands.check_array("x", x)
        if x.ndim < self.axes + 1 or x.shape[-1] != self.channels_in:
            shape = f"(batch..., {self.axes} spatial axes, {self.channels_in})"
            raise ShapeError("x", f"must have the shape {shape}", x.shape, "put the channels last")
        wide = summed(x)
        options = {"padding": self.padding, "implementation": self.implementation}
        y = conv(wide, taps.astype(wide.dtype), precision=self.precision, **options)
        return cast(y, x.dtype)


@dataclass(frozen=True, eq=False, repr=False)
class DifferentialOp(_Differences):
    """One differential operator on grids: op(x), from (batch..., spatial..., C_in) to as many of C_out.

    >>> import derive, kernels
    >>> E = derive.euclidean(2)
    >>> f, v = derive.Field(E), derive.Field(E, fibre=derive.irrep(E.point, 1))
    >>> grad = kernels.lower(derive.solve(f, v).differential(1)[0], padding="VALID")
    >>> grad
    DifferentialOp(1 -> 2 channels on R^2, order 1, accuracy 2, VALID)
    >>> x = jnp.arange(9.0).reshape(3, 3, 1)
    >>> grad(x).tolist()
    [[[3.0, 1.0]]]
    """

    @at_its_own
    def __call__(self, x: jax.Array) -> jax.Array:
        """The operator on samples of a field."""
        return _apply(self, jnp.asarray(x))

    @property
    def kernel(self) -> np.ndarray:
        """The stencil, taps first (HWIO), in float64."""
        return self.taps.array[0]

    def dense(self, grid: Any) -> np.ndarray:
        """The matrix of one sample: dense @ x.reshape(-1) == op(x).reshape(-1)."""
        return self._matrix(self.kernel, grid)


@dataclass(frozen=True, eq=False, repr=False)
class DifferentialSum(_Differences):
    """All differential operators of one order with free weights: op(w, x) = sum_k w[k] K_k(D) x.

    >>> import derive, kernels
    >>> E = derive.euclidean(3)
    >>> v = derive.Field(E, fibre=derive.irrep(E.point, 1))
    >>> op = kernels.lower(derive.solve(v, v).differential(2), accuracy=4)
    >>> op, op.dim
    (DifferentialSum(3 -> 3 channels on R^3, order 2, accuracy 4, SAME), 2)
    """

    @property
    def dim(self) -> int:
        """The number of free weights."""
        return self.taps.array.shape[0]

    def init(self, key: jax.Array) -> jax.Array:
        """Random weights that keep the variance of white noise."""
        squares = (self.taps.array**2).sum(axis=tuple(range(1, self.axes + 2))).mean(axis=-1)
        scale = 1 / np.sqrt(np.maximum(squares * max(self.dim, 1), 1e-300))
        kind = self.dtype or jnp.zeros(()).dtype
        return jax.random.normal(key, (self.dim,), kind) * jnp.asarray(scale, kind)

    @at_its_own
    def __call__(self, w: Any, x: jax.Array) -> jax.Array:
        """(batch..., spatial..., C_in) -> (batch..., spatial..., C_out)."""
        return _apply_sum(self, jnp.asarray(w), jnp.asarray(x))

    def kernel(self, w: Any) -> jax.Array:
        """The stencil of the sum, taps first (HWIO)."""
        w = jnp.asarray(w)
        if w.shape != (self.dim,):
            raise ShapeError("w", f"must have the shape ({self.dim},)", w.shape, "use op.init(key)")
        return jnp.tensordot(w, constant(self.taps.array, w.dtype), 1, precision=self.precision)

    def dense(self, w: Any, grid: Any) -> np.ndarray:
        """The matrix of one sample: dense @ x.reshape(-1) == op(w, x).reshape(-1)."""
        taps = np.tensordot(np.asarray(w, np.float64), self.taps.array, 1)
        return self._matrix(taps, grid)


@partial(jax.jit, static_argnums=0, inline=True)
@in_its_mode
def _apply(op: DifferentialOp, x: jax.Array) -> jax.Array:
    return op._differenced(constant(op.kernel, summed(x).dtype), x)


@partial(jax.jit, static_argnums=0, inline=True)
@in_its_mode
def _apply_sum(op: DifferentialSum, w: jax.Array, x: jax.Array) -> jax.Array:
    operands.check_dtypes("x", x, "w", w)
    return op._differenced(op.kernel(summed(w)), x)


def lower_differential(
    plain: Any,
    spacing: Any = None,
    accuracy: Any = None,
    padding: Any = None,
    implementation: Any = "auto",
    dtype: Any = None,
    precision: str | None = None,
) -> DifferentialOp | DifferentialSum:
    """One differential operator, or all of an order, by central differences on a grid."""
    order = _accuracy(accuracy)
    steps = read_spacing(spacing, plain.axes)
    border = _padding(padding, plain.axes)
    taps = Static(stencils(plain, order, steps))
    kind: Any = DifferentialOp if plain.single else DifferentialSum
    channels = (plain.channels_in, plain.channels_out)
    rest = (order, steps, border, taps, dtype, precision or "highest", implementation)
    return kind(plain.axes, plain.order, *channels, *rest, plain.description)


def _accuracy(accuracy: Any) -> int:
    number = 2 if accuracy is None else index(accuracy)
    if number not in ACCURACIES:
        remedy = "errors of central differences are even powers of the spacing"
        raise WindowError("accuracy", f"must be one of {ACCURACIES}", brief(accuracy), remedy)
    return number


def _padding(padding: Any, axes: int) -> str:
    named = "SAME" if padding is None else padding
    if isinstance(named, list | tuple) and len(set(map(str, named))) == 1 and len(named) == axes:
        named = named[0]
    name = named.upper() if isinstance(named, str) else named
    if not known(name, PADDINGS):
        rule = f"must be one of {PADDINGS} for differences: zeros, periodic, or none"
        raise PaddingError("padding", rule, brief(padding), "choose one of them")
    return str(name)


def refuse_differences(**given: Any) -> None:
    """Options that differences alone have."""
    for name, value in given.items():
        if value is not None:
            rule = "needs a differential operator"
            remedy = "leave it out, or lower solution.differential(order)"
            raise KernelError(name, rule, brief(value), remedy)


def _numbers(values: Sequence[float]) -> str:
    return " x ".join(f"{v:g}" for v in values)
