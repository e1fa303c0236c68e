"""What every lowered answer is: a linear operator with free weights that commutes with its symmetry."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.convolution.choice.table import Policy
from kernels.errors import KernelError, ShapeError
from kernels.export import Exportable
from kernels.precision import at_its_own, cast, in_its_mode, summed
from kernels.source import LIMIT
from kernels.static import Content

Shapes = Sequence[tuple[int, ...]]


class EquivariantOp(Content, Exportable):
    """An equivariant operator with free weights: op(w, x), or op(w, x, b) with a bias.

        y = sum_k w_k B_k x  +  sum_k b_k U_k        B, U the exact bases of the solution

    `w` and `b` are what `init` and `init_bias` return: one array, or a tuple of them, one per pair of blocks;
    `b` is `()`, or left out, where nothing is added. An op is frozen, hashable and a pytree without leaves,
    so it may be an argument of `jax.jit`, or a field of a model.
    """

    name: str
    dtype: Any
    precision: str | None
    implementation: str | Policy
    channels_in: int
    channels_out: int
    into: Any  # the field of the input and that of the output, as `derive.solve` was given them
    out: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        jax.tree_util.register_static(cls)

    # ---- what it is -------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def rank(self) -> int:
        """The number of spatial axes of the input."""

    @property
    @abstractmethod
    def weight_shapes(self) -> Shapes:
        """The shapes of the free weights, one per pair of blocks."""

    @property
    @abstractmethod
    def bias_shapes(self) -> Shapes:
        """The shapes of the free biases, one per output block."""

    @property
    def dim(self) -> int:
        """The number of free weights, biases not counted."""
        return sum(map(math.prod, self.weight_shapes))

    @property
    def bias_dim(self) -> int:
        """The number of free biases."""
        return sum(map(math.prod, self.bias_shapes))

    @property
    @abstractmethod
    def symmetries(self) -> dict[str, tuple[Any, Any]]:
        """How generators act, (on inputs, on outputs) by name: op(w, g x) == g op(w, x)."""

    @abstractmethod
    def describe(self) -> str:
        """Which operations it became."""

    def __repr__(self) -> str:
        bias = f", {_many(self.bias_dim, 'bias', 'biases')}" if self.bias_dim else ""
        weights = _many(self.dim, "free weight", "free weights")
        return f"{type(self).__name__}({self.channels_in} -> {self.channels_out} channels, {weights}{bias})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p><pre>{escape(self.describe())}</pre>"

    # ---- weights ----------------------------------------------------------------------------------------

    @abstractmethod
    def init(self, key: jax.Array, *, grid: Any = None) -> Any:
        """Random free weights that keep the variance of unit inputs.

        `grid`: the input's spatial shape, a number for all axes, or a size each. It scales weights that are
        summed over a whole image; without it such an axis is presumed to have 32 sites.
        """

    def init_bias(self) -> Any:
        """Zero biases; `()` where there are none."""
        return as_given([jnp.zeros(shape, self._kind()) for shape in self.bias_shapes], self.bias_dim)

    def _kind(self) -> Any:
        """The dtype of weights that are drawn: JAX's default unless `lower` was given one."""
        return self.dtype or jnp.zeros(()).dtype

    @abstractmethod
    def kernel(self, w: Any) -> jax.Array:
        """The full kernel, taps first (HWIO); without a lattice the (C_in, C_out) matrix."""

    @abstractmethod
    def dense(self, w: Any, grid: Any = None, *, order: str = "channels_last") -> np.ndarray:
        """The matrix of one sample in float64: dense @ x.reshape(-1) == op(w, x).reshape(-1)."""

    def dense_bias(self, b: Any, grid: Any = None) -> np.ndarray:
        """What the biases add to one sample, in float64, flat: zeros where there are none."""
        if not jax.tree.leaves(b):
            return np.zeros(math.prod(self.output_shape(grid)))
        return self._dense_bias(b, grid)

    @abstractmethod
    def _dense_bias(self, b: Any, grid: Any) -> np.ndarray:
        """The same where there are some."""

    @abstractmethod
    def output_shape(self, grid: Any = None) -> tuple[int, ...]:
        """The spatial shape of the output and its channels, for an input of this spatial shape."""

    def least_grid(self, least: int) -> tuple[int, ...]:
        """The spatial shape of a small input: at least so many sites along every axis, as it takes them."""
        return ()

    def source(self, *, limit: int = LIMIT) -> str:
        """The layer as a few lines of JAX that run without this library: `layer(w, x, b=None)`.

        Weights are those of the op, in the shapes that `init` gives them. The text is plain, not fast: one
        `lax` convolution, or one matrix product, and tables of where every free weight stands.

        Args:
            limit: how many numbers the tables may hold.

        Raises:
            ShapeError: they would hold more.

        >>> import derive, kernels
        >>> x = derive.Field(derive.translations(1), channels=1)
        >>> op = kernels.lower(derive.solve(x, x, support=derive.box(1), bias=False))
        >>> there = {}
        >>> exec(op.source(), there)
        >>> there["layer"](jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), jnp.ones((4, 1))).ravel().tolist()
        [5.0, 6.0, 6.0, 3.0]
        """
        raise KernelError(
            "source", "is not written for this kind of op", type(self).__name__, "use op.export"
        )

    # ---- what it does -----------------------------------------------------------------------------------

    @at_its_own
    def __call__(self, w: Any, x: jax.Array, b: Any = None) -> jax.Array:
        """(batch..., spatial..., C_in) -> (batch..., spatial..., C_out)."""
        return _apply(self, w, x, () if b is None else b)

    @at_its_own
    def adjoints(self, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
        """The derived adjoints (wbar, xbar) at the cotangent ybar: written out, not differentiated."""
        return _adjoints(self, w, x, ybar)

    def bias_adjoint(self, ybar: jax.Array) -> Any:
        """The derived adjoint of b -> op(w, x, b) at the cotangent ybar, in the dtype of its sums."""
        return _bias_adjoint(self, ybar)

    def shifted(self, y: jax.Array, b: Any) -> jax.Array:
        """y and what the biases add to it; y alone where there are none."""
        parts = read_parts("b", b, self.bias_shapes) if jax.tree.leaves(b) else []
        if not parts:
            return y
        # in float32 for half precision, so that the adjoint's sum over sites and samples is one of float32
        shift = self._shift([summed(part) for part in parts], y.shape)
        wide = max(summed(y).dtype, shift.dtype, key=lambda kind: kind.itemsize)
        return cast(cast(y, wide) + jnp.broadcast_to(cast(shift, wide), y.shape), y.dtype)

    def _notice(self, shape: Sequence[int]) -> None:
        """Complain where an input of this shape breaks the symmetry."""

    @abstractmethod
    def _value(self, w: list[jax.Array], x: jax.Array) -> jax.Array:
        """op(w, x), the weights in their shapes."""

    @abstractmethod
    def _pull(
        self, w: list[jax.Array], x: jax.Array, ybar: jax.Array
    ) -> tuple[Sequence[jax.Array], jax.Array]:
        """The adjoints of `_value`."""

    @abstractmethod
    def _shift(self, b: list[jax.Array], shape: Sequence[int]) -> jax.Array:
        """What the biases add to an output of this shape, with as many axes."""

    @abstractmethod
    def _shift_pull(self, ybar: jax.Array) -> Sequence[jax.Array]:
        """The adjoint of `_shift`."""


def _many(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


@partial(jax.jit, static_argnums=0, inline=True)
@in_its_mode
def _apply(op: EquivariantOp, w: Any, x: jax.Array, b: Any) -> jax.Array:
    with jax.named_scope(repr(op)):
        op._notice(jnp.shape(x))
        return op.shifted(op._value(read_parts("w", w, op.weight_shapes), jnp.asarray(x)), b)


@partial(jax.jit, static_argnums=0, inline=True)
@in_its_mode
def _adjoints(op: EquivariantOp, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
    with jax.named_scope(f"adjoints of {op!r}"):
        bars, xbar = op._pull(read_parts("w", w, op.weight_shapes), jnp.asarray(x), jnp.asarray(ybar))
        return as_given(bars), xbar


@partial(jax.jit, static_argnums=0, inline=True)
@in_its_mode
def _bias_adjoint(op: EquivariantOp, ybar: jax.Array) -> Any:
    return as_given(op._shift_pull(jnp.asarray(ybar)), op.bias_dim)


def read_parts(name: str, given: Any, shapes: Shapes) -> list[jax.Array]:
    """Numbers block by block, each in its shape: one block needs no tuple, and each may come flat."""
    parts = list(given) if isinstance(given, tuple | list) else [given]
    fits = len(parts) == len(shapes) and all(
        jnp.shape(part) in (shape, (math.prod(shape),)) for part, shape in zip(parts, shapes, strict=True)
    )
    if not fits:
        wanted = "()" if not shapes else str(shapes[0]) if len(shapes) == 1 else str(tuple(shapes))
        remedy = "use op.init(key)" if name == "w" else "use op.init_bias()"
        found = [jnp.shape(part) for part in parts]
        raise ShapeError(
            name, f"must have the shape {wanted}", found[0] if len(found) == 1 else found, remedy
        )
    return [jnp.asarray(part).reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def as_given(parts: Sequence[Any], numbers: int = 1) -> Any:
    """One block's numbers need no tuple; where there are no numbers, `()`."""
    if not numbers:
        return ()
    return parts[0] if len(parts) == 1 else tuple(parts)
