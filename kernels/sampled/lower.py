"""A solution on R^n as a convolution on a grid: sample, choose radial functions, expand."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from kernels.convolution.choice.table import Policy
from kernels.errors import WindowError
from kernels.lattice.axes import AxisPlan
from kernels.lattice.broken import always, complain
from kernels.lattice.lower import read_borders
from kernels.lattice.op import LatticeOp
from kernels.lattice.plan import LatticePlan
from kernels.lattice.weights import Block
from kernels.sampled.choose import Sampling, check_radial, sampling, without
from kernels.sampled.error import EquivarianceError, Sampled
from kernels.sampled.op import SampledOp
from kernels.sampled.turns import Pieces
from kernels.sampled.window import Window, make_window
from kernels.static import Static

LETTERS = "uvw"
TRIES, LARGEST = 5, 1500  # larger windows that are tried to name one that does, and their taps
ZERO = 1e-15  # of the largest entry: rounding


def lower_sampled(
    plain: Any,
    window: Any,
    radial: Any,
    *,
    band: Any = None,
    spacing: Any = None,
    strides: Any = 1,
    dilation: Any = 1,
    common: tuple[Any, ...] = (None, "auto", None, None, "warn"),
) -> SampledOp:
    """A plain answer on R^n, on a window of taps.

    `common`: padding, implementation, dtype, precision and on_broken, as every lattice op has them.
    """
    taps = make_window(plain.axes, window, strides, dilation, spacing, band, plain.radius)
    chooser = check_radial(radial)
    fields = plain.sampled(taps.alike, taps.strides, taps.offset)
    pairs = _pairs(plain, fields, taps, chooser)
    blocks = tuple(_block(p, pair) for p, pair in zip(plain.polynomial_pairs, pairs, strict=True))
    op = _lattice(plain, fields, taps, *common)
    error = EquivarianceError(pairs, taps.limit)
    return SampledOp(op, blocks, _biases(plain.bias), plain.description, taps, error)


def _pairs(plain: Any, fields: Any, window: Window, radial: Any) -> tuple[Sampled, ...]:
    """The kernels of every pair of blocks; equal pairs of pieces are sampled once."""
    grid = fields[0].group
    outs, ins = (_pieces(plain.out, fields[1]), _pieces(plain.into, fields[0]))
    pairs = [(o, i) for o in outs for i in ins]
    known: dict[Any, Sampled] = {}
    found = []
    for p, ((out, out_on_grid), (into, into_on_grid)) in zip(plain.polynomial_pairs, pairs, strict=True):
        if id(p.polynomials) not in known:
            pieces = Pieces(plain.into.group, out, into, grid, out_on_grid, into_on_grid)
            names = f"{into.name} -> {out.name}"
            known[id(p.polynomials)] = _sampled(sampling(window, p.polynomials, pieces), radial, names, plain)
        found.append(known[id(p.polynomials)])
    return tuple(found)


def _pieces(field: Any, on_grid: Any) -> list[tuple[Any, Any]]:
    """Every block's piece on R^n and on the grid."""
    pairs = zip(field.fibre.blocks, on_grid.fibre.blocks, strict=True)
    return [(own, other) for (_, own), (_, other) in pairs]


def _sampled(made: Sampling, radial: Any, names: str, plain: Any) -> Sampled:
    candidates = made.chosen(radial)
    kept = {c.degree for c in candidates if c.why is None}
    missing = [f.degree for f in made.families if f.degree not in kept]
    if missing:
        raise _too_small(made, radial, names, missing[0], plain)
    return Sampled(made, tuple(candidates), names)


def _too_small(made: Sampling, radial: Any, names: str, degree: int, plain: Any) -> WindowError:
    """The error that names the smallest window that holds a kernel of a degree."""
    window, found = made.window, None
    families = tuple(f for f in made.families if f.degree == degree)
    for more in range(1, TRIES + 1):
        larger = window.larger(2 * more)
        if np.prod(larger.sizes) > LARGEST:
            break
        trial = Sampling(larger, made.pieces, families)
        if degree not in without(trial.chosen(radial)):
            found = larger
            break
    size = "a larger one" if found is None else f"window={_shown(found.sizes)}"
    where = f" within the radius {plain.radius:g} of the support" if plain.radius is not None else ""
    rule = f"must hold a kernel of degree {degree} of {names}{where}"
    lower = f", or solve with max_degree={degree - 1}" if degree else ""
    return WindowError("window", rule, _shown(window.sizes), f"use {size}{lower}")


def _shown(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else str(tuple(sizes))


def _block(p: Any, pair: Sampled) -> Block:
    kernels = pair.kernels
    size = abs(kernels).max(initial=0)
    weight, site, row, column = np.nonzero(abs(kernels) > ZERO * size)
    value = kernels[weight, site, row, column]
    shape = (p.copies_in, p.copies_out, p.first_in, p.first_out, *kernels.shape[:1:-1], len(kernels))
    arrays = map(Static, (weight, site, row, column, value))
    return Block(*shape, *arrays)


def _biases(plain: Any) -> tuple[Block, ...]:
    """The vectors of the output that the point group fixes."""
    found = []
    for p in () if plain is None else plain.pairs:
        weight, row, column, value = p.entries
        arrays = (weight, np.zeros_like(weight), row, column, value)
        shape = (1, p.copies_out, 0, p.first_out, 1, p.dim_out, p.weights)
        found.append(Block(*shape, *map(Static, arrays)))
    return tuple(found)


def _lattice(
    plain: Any,
    fields: Any,
    window: Window,
    padding: Any,
    implementation: str | Policy,
    dtype: Any,
    precision: str | None,
    on_broken: str,
) -> LatticeOp:
    """The lattice op that reads these taps with any kernel."""
    borders = read_borders(padding, window.axes)
    axes = tuple(_axis(window, i).with_border(border) for i, border in enumerate(borders))
    here = np.zeros((1, window.axes), dtype=np.int64)
    sites = (Static(np.repeat(here, len(window.sites), axis=0)), Static(window.sites), Static(here))
    plan = LatticePlan(axes, plain.channels_in, plain.channels_out, *sites, implementation)
    op = LatticeOp(plan, dtype, precision, plain.description, fields[0], fields[1], on_broken)
    if on_broken != "ignore":
        complain(op, always(plan, *fields))
    return op


def _axis(window: Window, i: int) -> AxisPlan:
    name = LETTERS[i] if window.axes <= len(LETTERS) else f"u{i + 1}"
    stride, dilation = window.strides[i], window.dilation[i]
    lines = window.sites[:, i]
    first, last = int(lines.min(initial=0)), int(lines.max(initial=0))
    return AxisPlan(
        name,
        "conv",
        1,
        stride,
        first,
        (last - first) // dilation + 1,
        dilation,
        gap=-window.offset[i] / stride,
        ratio=Fraction(1, stride),
    )
