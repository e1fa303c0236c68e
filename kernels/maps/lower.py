"""Which form every pair of blocks takes, read off its orbits and never off the name of a group."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from kernels.convolution.choice.table import Policy
from kernels.lattice.weights import Block
from kernels.maps.forms.circular import Circular, Signs
from kernels.maps.forms.entries import Form, Matrix, Rows
from kernels.maps.forms.product import Product
from kernels.maps.moebius import read_diagonals
from kernels.maps.op import MapsOp, Pair, Pairs
from kernels.sparse import reorder
from kernels.static import Static

MATRIX = 1 << 24  # entries of the largest matrix that weights are put into
RANGES = 4  # ranges of diagonals above which a matrix of at most SPLIT entries is cheaper
SPLIT = 1 << 14
SPARSE = 8  # rows with this many times fewer entries than columns are gathered
WHOLE = 1 << 14  # entries of a matrix up to which several blocks may be one matrix
SMALL = 1 << 10  # ... and up to which they always are
FEW = 16  # maps of a part that are all applied before the next

Fan = tuple[np.ndarray, np.ndarray | None]  # squares that a row receives per weight; the first row it touches


@runtime_checkable
class PlainMaps(Protocol):
    """The plain-NumPy face of an answer between representations."""

    @property
    def description(self) -> str: ...

    @property
    def channels_in(self) -> int: ...

    @property
    def channels_out(self) -> int: ...

    @property
    def pairs(self) -> tuple[Any, ...]: ...

    @property
    def bias_pairs(self) -> tuple[Any, ...]: ...

    @property
    def into(self) -> Any: ...

    @property
    def out(self) -> Any: ...


def lower_maps(
    plain: PlainMaps, implementation: str | Policy = "auto", dtype: Any = None, precision: str | None = None
) -> MapsOp:
    """A plain answer between representations as an op; `implementation` is that of its convolutions."""
    pairs, biases = (_pairs(part, implementation) for part in (plain.pairs, plain.bias_pairs))
    channels, whole = (plain.channels_in, plain.channels_out), _whole(plain, pairs)
    named = (plain.description, implementation)
    return MapsOp(*channels, pairs, biases, whole, dtype, plain, precision, *named, plain.into, plain.out)


def _pairs(plain: Any, implementation: str | Policy) -> Pairs:
    """Every pair in its form; a pair of pieces that occurs twice is looked at once."""
    seen: dict[Any, tuple[Form | None, Fan]] = {}
    read = []
    for pair in plain:
        key = (pair.maps, pair.copies_in, pair.copies_out)
        if key not in seen:
            form, fan = _form(pair)
            seen[key] = _convolved_by(form, implementation), fan
        read.append(seen[key])
    scales = _scales(plain, [fan for _, fan in read])
    return tuple(
        Pair(
            p.copies_in,
            p.copies_out,
            p.first_in,
            p.first_out,
            p.dim_in,
            p.dim_out,
            p.weights,
            form,
            Static(scale),
        )
        for p, (form, _), scale in zip(plain, read, scales, strict=True)
    )


def form_of(pair: Any, implementation: str | Policy) -> Form | None:
    """How the maps of one pair are computed, for as many copies as it has."""
    return _convolved_by(_form(pair)[0], implementation)


def _convolved_by(form: Form | None, implementation: str | Policy) -> Form | None:
    """The form with its circular convolutions computed in this way."""
    if isinstance(form, Circular):
        return replace(form, implementation=implementation)
    if isinstance(form, Signs):
        return replace(form, form=_convolved_by(form.form, implementation))
    if isinstance(form, Product):
        return replace(form, forms=tuple(_convolved_by(part, implementation) for part in form.forms))
    return form


def _form(pair: Any) -> tuple[Form | None, Fan]:
    if not pair.weights:
        return None, (np.zeros(0), np.zeros(0, dtype=np.int64))
    if _are_diagonals(pair):
        form, fans, rows = read_diagonals(pair)
        return form, (fans, rows)
    found = _factored(pair)
    if found is not None:
        return found
    cycle = pair.cycle
    if cycle is not None and (cycle.weight >= 0).sum(axis=(0, 2)).max() > 1:
        return _circular(pair), _cycle_fan(pair)
    weight, row, column, value = pair.entries
    fan = _entry_fan(pair, weight, row, value)
    few = _rows(weight, row, column, value, (pair.dim_out, pair.dim_in), pair.weights)
    if few is not None:
        return few, fan
    return Matrix(_block(pair, weight, row, column, value)), fan


def _are_diagonals(pair: Any) -> bool:
    """Whether all orbits are diagonals, of few ranges where a small matrix would do."""
    if pair.diagonals is None:
        return False
    many = len({(kind, Static(r)) for d in pair.diagonals for kind, r in zip(d.kinds, d.ranges, strict=True)})
    return many <= RANGES or pair.dim_in * pair.dim_out > SPLIT


def _factored(pair: Any) -> tuple[Product, Fan] | None:
    """One form after the other for a large product, where the parts before the last have few maps."""
    if pair.dim_in * pair.dim_out <= SPLIT or pair.product is None:
        return None
    product = pair.product
    order = sorted(range(len(product.parts)), key=lambda t: product.parts[t].weights)
    counts = [product.parts[t].weights for t in order]
    if math.prod(counts[:-1]) > FEW:
        return None
    copies = [(1, n) for n in counts[:-1]]
    copies.append((pair.copies_in * math.prod(counts[:-1]), pair.copies_out))
    parts = [_with_copies(product.parts[t], *c) for t, c in zip(order, copies, strict=True)]
    found = [_form(part) for part in parts]
    place = np.ravel_multi_index(tuple(product.place[:, t] for t in order), counts)
    form = Product(
        tuple(form for form, _ in found),
        tuple(counts),
        pair.sizes_in,
        pair.sizes_out,
        tuple(product.axes_in[t] for t in order),
        tuple(product.axes_out[t] for t in order),
        reorder(np.argsort(place)),
    )
    return form, _product_fan(pair, form, [fan for _, fan in found], parts)


def _with_copies(part: Any, copies_in: int, copies_out: int) -> Any:
    return replace(part, copies_in=copies_in, copies_out=copies_out)


def _product_fan(pair: Any, form: Product, fans: list[Fan], parts: list[Any]) -> Fan:
    """Products of what the parts' rows receive; in the mean over rows where a part knows no orbits."""
    where = np.argsort(form.order.column.array)
    index = np.unravel_index(where, form.counts)
    if any(first is None for _, first in fans):
        energy = [np.array([(p.element(k)[2] ** 2).sum() for k in range(p.weights)]) for p in parts]
        return np.prod([e[i] for e, i in zip(energy, index, strict=True)], axis=0) / pair.dim_out, None
    points: dict[int, np.ndarray] = {}
    for (_, first), i, part, axes in zip(fans, index, parts, form.axes_out, strict=True):
        assert first is not None
        points |= dict(zip(axes, np.unravel_index(first[i], part.sizes_out), strict=False))
    rows = [points.get(a, np.zeros(pair.weights, dtype=np.int64)) for a in range(len(pair.sizes_out))]
    fan = np.prod([f[i] for (f, _), i in zip(fans, index, strict=True)], axis=0)
    return fan, np.ravel_multi_index(rows, pair.sizes_out)


def _circular(pair: Any) -> Form:
    c = pair.cycle
    taps = (Static(c.weight), Static(c.value))
    form = Circular(Static(c.out.place), Static(c.into.place), *taps, Static(c.into.turn), pair.weights)
    signs = [_by_point(side) for side in (c.into, c.out)]
    return form if all((s > 0).all() for s in signs) else Signs(form, *map(Static, signs))


def _by_point(cycles: Any) -> np.ndarray:
    """The sign of every point."""
    signs = np.empty(cycles.place.size)
    signs[cycles.place] = cycles.sign
    return signs


def _rows(
    weight: np.ndarray,
    row: np.ndarray,
    column: np.ndarray,
    value: np.ndarray,
    shape: tuple[int, int],
    weights: int,
) -> Rows | None:
    """One entry in every row, or few in rows of a matrix that is too large; None otherwise."""
    counts = np.bincount(row, minlength=shape[0])
    width = int(counts.max(initial=0))
    large = shape[0] * shape[1] > MATRIX
    if shape[1] == 1 or not (width == 1 or (large and width * SPARSE <= shape[1])):
        return None
    order = np.argsort(row, kind="stable")
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = (row[order], place)
    table = np.full((shape[0], width), -1), np.zeros((shape[0], width), np.int64), np.zeros((shape[0], width))
    if width == 1 and shape[0] == shape[1]:
        table[1][:, 0] = np.arange(shape[0])  # a row without entries may read anything
    for filled, given in zip(table, (weight, column, value), strict=True):
        filled[at] = given[order]
    return Rows(Static(table[0]), Static(table[1]), Static(table[2]), shape[1], weights)


def _block(pair: Any, weight: np.ndarray, row: np.ndarray, column: np.ndarray, value: np.ndarray) -> Block:
    return Block(
        pair.copies_in,
        pair.copies_out,
        0,
        0,
        pair.dim_in,
        pair.dim_out,
        pair.weights,
        Static(weight),
        Static(np.zeros_like(weight)),
        Static(row),
        Static(column),
        Static(value),
    )


# ---- all blocks at once ------------------------------------------------------------------------------------


def _whole(plain: Any, pairs: Pairs) -> Form | None:
    """Several small blocks as one scaling, or as one matrix where they fill it."""
    busy = [p for p in pairs if p.form is not None]
    size = plain.channels_in * plain.channels_out
    if len(busy) < 2 or size > WHOLE or not all(isinstance(p.form, Matrix | Rows) for p in busy):
        return None
    weight, row, column, value = _all_entries(plain, pairs)
    total = sum(p.weights * p.copies_in * p.copies_out for p in pairs)
    found = _rows(weight, row, column, value, (plain.channels_out, plain.channels_in), total)
    if found is not None:
        return found
    filled = len(np.unique(row * plain.channels_in + column))
    if size > SMALL and 2 * filled < size:
        return None
    zero = Static(np.zeros_like(weight))
    entries = (Static(weight), zero, Static(row), Static(column), Static(value))
    return Matrix(Block(1, 1, 0, 0, plain.channels_in, plain.channels_out, total, *entries))


def _all_entries(plain: Any, pairs: Pairs) -> list[np.ndarray]:
    """Entries of the whole matrix; weights counted pair by pair, copies in, copies out."""
    parts, at = [], 0
    for p, pair in zip(plain.pairs, pairs, strict=True):
        weight, row, column, value = p.entries
        a, b = (g.reshape(-1, 1) for g in np.mgrid[: p.copies_in, : p.copies_out])
        shape = (p.copies_in * p.copies_out, len(weight))
        columns = (
            at + (weight * p.copies_in + a) * p.copies_out + b,
            p.first_out + b * p.dim_out + row,
            p.first_in + a * p.dim_in + column,
            value,
        )
        parts.append([np.broadcast_to(c, shape).reshape(-1) for c in columns])
        at += int(np.prod(pair.shape))
    return [np.concatenate(c) for c in zip(*parts, strict=True)]


# ---- the variance of the weights ---------------------------------------------------------------------------


def _entry_fan(pair: Any, weight: np.ndarray, row: np.ndarray, value: np.ndarray) -> Fan:
    """Of orbits by their rows, which they fill evenly; of other bases in the mean over all rows."""
    energy = np.bincount(weight, value**2, pair.weights)
    if pair.orbits is None:
        return energy / pair.dim_out, None
    touched = np.unique(weight * pair.dim_out + row)
    first = np.full(pair.weights, pair.dim_out)
    np.minimum.at(first, weight, row)
    return energy / np.bincount(touched // pair.dim_out, minlength=pair.weights), first


def _cycle_fan(pair: Any) -> Fan:
    """The same from the taps."""
    _, outs, _ = pair.cycle.weight.shape
    kept = pair.cycle.weight >= 0
    weight = pair.cycle.weight[kept]
    orbit = np.broadcast_to(np.arange(outs)[None, :, None], pair.cycle.weight.shape)[kept]
    touched = np.unique(weight * outs + orbit) // outs
    first = np.full(pair.weights, outs)
    np.minimum.at(first, weight, orbit)
    fan = np.bincount(weight, minlength=pair.weights) / np.bincount(touched, minlength=pair.weights)
    return fan, pair.cycle.out.place[0, np.minimum(first, outs - 1)]


def _scales(plain: Any, fans: list[Fan]) -> list[np.ndarray]:
    """The standard deviation of every weight: each row's unit variance shared by all weights that feed it."""
    scales = []
    for p, (fan, first) in zip(plain, fans, strict=True):
        rivals = [f for q, (e, f) in zip(plain, fans, strict=True) if q.first_out == p.first_out and len(e)]
        if first is None:
            pairs, mine = np.full(len(fan), len(rivals)), np.full(len(fan), len(fan))
        else:
            pairs = sum(
                (np.ones(len(fan)) if f is None else np.isin(first, f) for f in rivals), np.zeros(len(fan))
            )
            _, which, counts = np.unique(first, return_inverse=True, return_counts=True)
            mine = counts[which]
        scales.append(1 / np.sqrt(np.maximum(fan * mine * pairs * p.copies_in, 1e-30)))
    return scales
