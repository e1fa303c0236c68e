"""Lower a solution to a jitted op: recognise its structure, axis by axis, and pick the operations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kernels.convolution import options
from kernels.convolution.choice.table import Policy
from kernels.errors import DtypeError, PaddingError, ShapeError
from kernels.lattice.axes import AxisPlan
from kernels.lattice.fibred import FibredOp
from kernels.lattice.op import LatticeOp
from kernels.lattice.weights import Block
from kernels.maps.lower import PlainMaps, lower_maps
from kernels.maps.op import MapsOp
from kernels.precision import check as check_precision
from kernels.static import Static

BORDERS = {None: "ZERO", "zero": "ZERO", "periodic": "CIRCULAR"}


def lower(
    solution: Any,
    *,
    sizes: Mapping[str, int] | None = None,
    channels: Sequence[int] | None = None,
    padding: Any = None,
    implementation: str | Policy = "auto",
    dtype: Any = None,
    precision: str | None = None,
) -> LatticeOp | FibredOp | MapsOp:
    """A solution of `derive.solve` as a jitted op with free weights only.

        op(w, x, b=None) = sum_k w_k B_k x + b          B_k the exact basis of the solution

    Args:
        solution: what `derive.solve` returned.
        sizes: numbers for the symbols that are left, such as {"C": 3, "D": 16, "H": 64}.
        channels: (C_in, C_out), shorter than naming them in `sizes`.
        padding: what lies beyond the image: "SAME" (zeros), "VALID", "CIRCULAR", "REFLECT" or (low, high)
            pairs; by default zeros on an infinite lattice or a zero boundary, CIRCULAR on a periodic grid.
            With SAME the output has a site wherever its lattice has one on the image: every output looks at
            the window around its own position, so a stride 2 begins at site 0 whatever the size.
        implementation: "auto", the name of one way to compute convolutions, or a policy from `autotune`.
        dtype: of the weights that `op.init` draws.
        precision: of products, "default", "high" or "highest" as in `jax.default_matmul_precision`, which is
            what None leaves it to. Sums of bfloat16 and float16 products are kept in float32 either way.

    Returns:
        An op with `init(key)`, `kernel(w)`, `dense(w, grid)`, `dim` and `op(w, x, b=None)`, where x is
        (batch..., spatial..., C_in); without a lattice (batch..., C_in).

    Raises:
        KernelError: an option does not fit. DeriveError: a size is missing, or the answer is infinite.

    >>> import derive, jax
    >>> G = derive.translations(2)
    >>> x, y = derive.Field(G, channels="C"), derive.Field(G, channels="D")
    >>> op = lower(derive.solve(x, y, support=derive.box(1)), channels=(3, 16))
    >>> w = op.init(jax.random.key(0))
    >>> op(w, jax.numpy.ones((8, 32, 32, 3))).shape, op.kernel(w).shape, op.dim
    ((8, 32, 32, 16), (3, 3, 3, 16), 432)
    """
    options.check_implementation(implementation)
    check_precision(precision)
    plain = solution.plain(sizes=sizes, channels=channels)
    if isinstance(plain, PlainMaps):
        if padding is not None:
            raise PaddingError("padding", "needs a lattice", padding, "leave it out")
        return replace(lower_maps(plain, dtype), precision=precision, implementation=implementation)
    pair = [i for i, axis in enumerate(plain.axes) if axis.out is not None and axis.into is not None]
    borders = dict(zip(pair, _borders(padding, len(pair)), strict=True))
    axes = tuple(
        _plan(axis, plain.out_site[:, i], plain.in_site[:, i]).with_border(borders.get(i))
        for i, axis in enumerate(plain.axes)
    )
    op = LatticeOp(
        axes=axes,
        channels_in=plain.channels_in,
        channels_out=plain.channels_out,
        out_site=Static(plain.out_site),
        in_site=Static(plain.in_site),
        bias_site=Static(plain.bias_site),
        implementation=implementation,
        dtype=dtype,
        precision=precision,
        name=plain.description,
    )
    if plain.blocks is None:
        return op
    return FibredOp(op, _blocks(plain.blocks), _blocks(plain.bias_blocks or ()), plain.description)


def _blocks(blocks: Any) -> tuple[Block, ...]:
    """Plain blocks as static data."""
    return tuple(
        Block(
            b.copies_in,
            b.copies_out,
            b.first_in,
            b.first_out,
            b.dim_in,
            b.dim_out,
            b.weights,
            Static(b.weight),
            Static(b.site),
            Static(b.row),
            Static(b.column),
            Static(_real(b.value)),
        )
        for b in blocks
    )


def _real(values: np.ndarray) -> np.ndarray:
    """The entries of fibre maps in float64."""
    if values.dtype != object:
        return values.astype(np.float64)
    numbers = np.array([complex(v) for v in values.tolist()], dtype=np.complex128)
    if (abs(numbers.imag) > 1e-12).any():
        raise DtypeError(
            "x, y",
            "must have real equivariant maps to be lowered",
            values[int(abs(numbers.imag).argmax())],
            "use the real irreducible representations, irreps(G)",
        )
    return numbers.real


def _borders(padding: Any, rank: int) -> tuple[Any, ...]:
    """One border per axis that has both fields; None keeps the solution's own."""
    if padding is None:
        return (None,) * rank
    parsed = options.parse_padding(padding, rank)
    return (parsed,) * rank if isinstance(parsed, str) else parsed


def _plan(axis: Any, p: np.ndarray, q: np.ndarray) -> AxisPlan:
    out, into = axis.out, axis.into
    if out is None and into is None:
        raise ShapeError(
            "solution", f"must have a field along {axis.name}", axis, "solve with a field on the lattice"
        )
    if into is None:
        return AxisPlan(axis.name, "tile", a=out.step or out.size, size_out=out.size)
    if out is None:
        return AxisPlan(axis.name, "sum", b=into.step or into.size, size_in=into.size)
    common = {
        "size_in": into.size,
        "size_out": out.size,
        "gap": (into.offset - out.offset) / out.spacing,
        "ratio": into.spacing / out.spacing,
        "border": BORDERS[into.boundary],
    }
    if not (out.step or into.step):
        return AxisPlan(axis.name, "dense", a=out.size, b=into.size, **common)
    if math.gcd(out.step, into.step) > 1:
        blocks = q // into.step
        first, last = int(blocks.min()), int(blocks.max())
        return AxisPlan(axis.name, "fold", out.step, into.step, first, last - first + 1, **common)
    taps = out.step * q - into.step * p
    first, last = int(taps.min()), int(taps.max())
    dilation = int(np.gcd.reduce(taps - first)) or 1
    return AxisPlan(
        axis.name, "conv", out.step, into.step, first, (last - first) // dilation + 1, dilation, **common
    )
