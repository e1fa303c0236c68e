"""A plain answer on a lattice as an op: recognise its structure, axis by axis, and pick the operations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kernels.convolution.borders.border import Border, parse_padding
from kernels.convolution.choice.table import Policy
from kernels.errors import DtypeError, PaddingError, ShapeError
from kernels.lattice.axes import AxisPlan
from kernels.lattice.broken import always, complain
from kernels.lattice.fibred import FibredOp
from kernels.lattice.op import LatticeOp
from kernels.lattice.plan import LatticePlan
from kernels.lattice.weights import Block
from kernels.static import Static

SERVED = ("SAME", "VALID", "CIRCULAR", "REFLECT")
BORDERS = {None: "ZERO", "zero": "ZERO", "periodic": "CIRCULAR"}


def lower_lattice(
    plain: Any,
    padding: Any,
    implementation: str | Policy,
    dtype: Any,
    precision: str | None,
    on_broken: str = "warn",
) -> LatticeOp | FibredOp:
    """The op of an answer's arrays; with one number per fibre entry it needs no expansion of weights."""
    both = [i for i, axis in enumerate(plain.axes) if axis.out is not None and axis.into is not None]
    borders = dict(zip(both, read_borders(padding, len(both)), strict=True))
    axes = tuple(
        _plan(axis, plain.out_site[:, i], plain.in_site[:, i]).with_border(borders.get(i))
        for i, axis in enumerate(plain.axes)
    )
    sites = (Static(plain.out_site), Static(plain.in_site), Static(plain.bias_site))
    plan = LatticePlan(axes, plain.channels_in, plain.channels_out, *sites, implementation)
    op = LatticeOp(plan, dtype, precision, plain.description, plain.into, plain.out, on_broken)
    if on_broken != "ignore":
        complain(op, always(plan, plain.into, plain.out))
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


def read_borders(padding: Any, rank: int) -> tuple[Any, ...]:
    """One border per axis that has both fields; None keeps the solution's own."""
    if padding is None:
        return (None,) * rank
    return tuple(map(_border, parse_padding(padding, rank)))


def _border(border: Border) -> Any:
    """A border as the axes of an op have it."""
    if border.name == "WIDTHS":
        return border.low, border.high
    if border.name not in SERVED:
        raise PaddingError(
            "padding", f"of a lowered op must be one of {SERVED} or pairs", border.name, "use one of these"
        )
    return border.name


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
