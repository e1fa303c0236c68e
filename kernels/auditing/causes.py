"""Why a layer loses a symmetry: every cause has an experiment of its own, and a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np

from kernels.auditing.bench import Bench, quarter
from kernels.auditing.matching import blurred, distance, match_channels
from kernels.auditing.modules import has_fields
from kernels.auditing.motions import (
    Channel,
    Element,
    Vector,
    act_on_channels,
    acts,
    fibre_of,
    own_centre,
    shift_element,
)
from kernels.auditing.primitives import LINEAR
from kernels.auditing.units import Unit
from kernels.auditing.verdicts import Cause, Judged

MAX_STEP = 4
LONE = "a stride or a border that leaves one site, which is too few to tell"


RANDOM = Cause(
    "random numbers, such as dropout",
    "switch to inference (model.eval(), eqx.nn.inference_mode), or drop whole fibres at all sites alike",
)
BATCH_STATISTICS = Cause(
    "batch statistics",
    "normalise whole fibres (BatchNorm of kernels.layers), and switch to inference for a check",
)
POSITION = Cause(
    "position-dependent weights",
    "leave out what depends on the position (embeddings, masks, dense layers over pixels), or pool first",
)
POINTWISE = Cause(
    "a pointwise function on channels that mix or change sign",
    "use NormActivation or Gate, or fibres whose channels are only permuted, such as regular(G)",
)
CHANNELS = Cause(
    "channels that the group mixes are treated differently",
    "give the channels of one fibre the same scale and bias: use the layers of kernels.layers",
)
FIELDS = Cause(
    "the input carries another fibre than the layer was made for",
    "make the layer for the field that the layer before returns",
)
RESTRICTED = Cause(
    "the layer was made for a subgroup",
    "make it for the whole group, or audit what follows by the field of the subgroup",
)
MISPLACED = Cause(
    "inputs that stand on different sites, so that one motion moves them differently",
    "sample them alike before they are joined",
)
BORDER = Cause("the border", "pad periodically (padding='CIRCULAR'), or on all sides alike")
HALF = Cause("a half-site offset", "use an odd window, or pad both sides alike")
FREE = Cause(
    "weights that the group does not tie",
    "use a layer solved for this group: Conv(x, y, support), Linear(V, W)",
)
OTHER = Cause("not found", "compare the layer with its parts")


def causes(
    bench: Bench, judged: Judged, elements: Sequence[Element], shifts: Sequence[Sequence[Element]]
) -> list[Cause]:
    """Why a layer loses what it loses, the most likely cause first."""
    unit = judged.unit
    lost_points = [e for e in elements if e.name in judged.lost]
    lost_shifts = [axis for axis in shifts if any(e.name in judged.lost for e in axis)]
    if any(judged.verdicts[e.name].mismatch for e in lost_points):
        return [FIELDS]
    layers = [f for f in unit.layers(bench.program) if has_fields(f)]
    if any(
        not acts(fibre_of(f.into), e) or not acts(fibre_of(f.out), e) for f in layers for e in lost_points
    ):
        return [RESTRICTED]
    if uses_random(bench, unit):
        return [RANDOM]
    if bench.sums_samples(unit):
        return [BATCH_STATISTICS]
    found = [_shift(bench, judged, axis) for axis in lost_shifts]
    if lost_points and POSITION not in found:
        found.insert(0, _point(bench, unit, lost_points))
    return list(dict.fromkeys(found)) if POSITION not in found else [POSITION]


# ---- what a layer is made of --------------------------------------------------------------------------


def uses_random(bench: Bench, unit: Unit) -> bool:
    """Random numbers meet the data entry by entry; random weights are weights."""
    return any(bench.program.random & set(s.ins) and s.name not in LINEAR for s in unit.steps)


def has_weights(unit: Unit) -> bool:
    return any(s.name in LINEAR for s in unit.steps)


# ---- experiments --------------------------------------------------------------------------------------


def _shift(bench: Bench, judged: Judged, axis: Sequence[Element]) -> Cause:
    """A translation is lost: inside of the border too? by a stride?"""
    unit, k = judged.unit, axis[0].axis or 0
    kept = [int(e.shift[k]) for e in axis if e.name in judged.verdicts and judged.verdicts[e.name].kept]
    lost = [int(e.shift[k]) for e in axis if e.name in judged.lost]
    step = inner_step(bench, unit, k)
    if kept:
        return _stride(unit, kept[0])
    if step is None:
        return _pointwise(bench, unit) or POSITION
    if bench.wrap[k]:
        return BORDER
    ratio = _ratio(bench, unit, k)
    outputs = [bench.layout(o).sites[k] for o in unit.outs if bench.layout(o).sites]
    if max(step, ratio) == 1:
        return POSITION
    if outputs and min(outputs) == 1:
        return Cause(LONE, f"audit it at a larger size, such as {8 * ratio} sites at this layer, to tell")
    few = max((bench.layout(i).sites[k] for i in unit.ins if bench.layout(i).sites), default=0)
    return _stride(unit, lost[0] * max(step, ratio), f", which {few} sites are too few to show")


def _ratio(bench: Bench, unit: Unit, axis: int) -> int:
    """How many sites of the input there are for one of the output, rounded."""
    pairs = [(bench.layout(i).sites, bench.layout(o).sites) for i in unit.ins for o in unit.outs]
    return max((round(n[axis] / m[axis]) for n, m in pairs if n and m), default=1)


def _stride(unit: Unit, step: int, more: str = "") -> Cause:
    what = "a stride" if has_weights(unit) else "pooling with a stride"
    return Cause(
        f"{what}: of shifts of x, multiples of {step} sites land on its sites{more}",
        f"state the group with period={step} if those are meant, or leave out the stride",
    )


def _point(bench: Bench, unit: Unit, lost: Sequence[Element]) -> Cause:
    """A turn or a mirror is lost: at single sites, by position, by where samples stand, or by the weights."""
    e = lost[0]
    if _fits_elsewhere(bench, unit, e):
        return MISPLACED
    spoiled = _pointwise(bench, unit)
    if spoiled is not None:
        return spoiled
    for o in unit.outs:
        sites = bench.layout(o).sites
        centre = own_centre(e.matrix, sites) if sites else ()
        if not any(bench.wrap) and (centre is None or not _carried(e, sites)):
            shown = " x ".join(map(str, sites))
            return Cause(f"sizes: {e.name} does not carry its {shown} sites to themselves", "use equal sizes")
    dim = len(bench.wrap)
    found = [inner_step(bench, unit, k) for k in range(dim)]
    if any(s is None for s in found):
        return POSITION
    steps = [s or 1 for s in found]
    placed = placement(bench, unit, lost, steps)
    return (
        placed
        or _crowded(bench, unit)
        or _unmixed(bench, unit, lost, steps)
        or (FREE if has_weights(unit) or dim == 0 else OTHER)
    )


def _unmixed(bench: Bench, unit: Unit, lost: Sequence[Element], steps: Sequence[int]) -> Cause | None:
    """A layer without weights that moves sites rightly and leaves the channels at each as they are."""
    if has_weights(unit):
        return None
    for e in lost:
        for t in product(*(range(s) for s in steps)):
            if inner_turn(bench, unit, e, t, still=True) is not None:
                return CHANNELS if is_affine(bench, unit) else POINTWISE
    return None


def _fits_elsewhere(bench: Bench, unit: Unit, e: Element) -> bool:
    """Whether a layer of several inputs keeps an element that moves them all alike."""
    sites = {bench.layout(i).sites for i in unit.ins}
    if len(unit.ins) < 2 or len(sites) != 1 or not any(bench.wrap):
        return False
    centre = own_centre(e.matrix, next(iter(sites)))
    return centre is not None and bench.test(unit, e, dict.fromkeys(unit.ins, centre)).shifts is not None


def _crowded(bench: Bench, unit: Unit) -> Cause | None:
    """A stride over so few sites that nothing is left of them inside of the border."""
    sizes = [bench.layout(i).sites for i in unit.ins if bench.layout(i).sites]
    ratio = max((_ratio(bench, unit, k) for k in range(len(bench.wrap))), default=1)
    if not sizes or ratio == 1 or quarter(min(min(s) for s in sizes)) >= ratio:
        return None
    shown = " x ".join(map(str, sizes[0]))
    fault = FREE.name if has_weights(unit) else "where its samples stand"
    return Cause(f"a stride of {ratio} over {shown} sites, or {fault}", "audit it at a larger size to tell")


def _carried(e: Element, sites: Vector) -> bool:
    return bool((np.abs(e.matrix) @ np.array(sites) == np.array(sites)).all()) if sites else True


def _pointwise(bench: Bench, unit: Unit) -> Cause | None:
    """A layer that treats every site by itself: either all alike, and the channels are to blame, or not."""
    shapes = {bench.layout(i).sites for i in (*unit.ins, *unit.outs)}
    if len(shapes) != 1:
        return None
    sites, rng = next(iter(shapes)), np.random.default_rng(1)
    base = bench.base(unit)
    if sites:
        count = int(np.prod(sites))
        if count == 1 or mixes_sites(bench, unit):
            return None
        order = rng.permutation(count)

        def shuffled(a: np.ndarray) -> np.ndarray:
            return a.reshape(len(a), count, -1)[:, order].reshape(a.shape)

        got = bench.run(unit, {i: shuffled(bench.array(i)) for i in unit.ins})
        if any(distance(g, shuffled(b)) > bench.tolerance(unit) for g, b in zip(got, base, strict=True)):
            return POSITION
    if has_weights(unit):
        return None
    return CHANNELS if is_affine(bench, unit) else POINTWISE


def mixes_sites(bench: Bench, unit: Unit) -> bool:
    """Whether another value at one site changes the output at another one."""
    changed, at = {}, None
    for i in unit.ins:
        a = bench.array(i).copy()
        flat = a.reshape(len(a), -1, a.shape[-1])
        at = flat.shape[1] // 2
        flat[:, at] = flat[:, at // 2 if at else 0] + np.asarray(1, a.dtype)
        changed[i] = a
    for got, base in zip(bench.run(unit, changed), bench.base(unit), strict=True):
        gap = np.abs(got - base).reshape(len(got), -1, got.shape[-1]).max(axis=(0, 2))
        gap[at] = 0
        if gap.max(initial=0) > bench.tolerance(unit) * (np.abs(base).max() or 1.0):
            return True
    return False


def is_affine(bench: Bench, unit: Unit) -> bool:
    """f(a + b) - f(a) - f(b) + f(0) vanishes, for a and b of either sign."""
    rng = np.random.default_rng(2)
    kinds = {i: bench.array(i) for i in unit.ins}
    if any(not np.issubdtype(a.dtype, np.inexact) for a in kinds.values()):
        return False
    a = {i: rng.standard_normal(x.shape) for i, x in kinds.items()}
    b = {i: rng.standard_normal(x.shape) for i, x in kinds.items()}
    both = bench.run(unit, {i: a[i] + b[i] for i in a})
    zero = bench.run(unit, {i: 0 * a[i] for i in a})
    parts = zip(both, bench.run(unit, a), bench.run(unit, b), zero, strict=True)
    return all(distance(s + z, p + q) <= 10 * bench.tolerance(unit) for s, p, q, z in parts)


def inner_step(bench: Bench, unit: Unit, axis: int) -> int | None:
    """The least shift along an axis that the layer keeps away from the border; None where it keeps none."""
    inside = Bench.like(bench, tuple(False for _ in bench.wrap))
    room = min((quarter(bench.layout(i).sites[axis]) for i in unit.ins if bench.layout(i).sites), default=0)
    dim, tested = len(bench.wrap), False
    for step in range(1, min(room, MAX_STEP) + 1):
        e = shift_element(axis, step, dim, "shift")
        shifts = {i: _along(bench, i, axis, step, dim) for i in unit.ins}
        outcome = inside.test(unit, e, shifts)
        if outcome.doubt:
            return step
        tested |= outcome.tested
        if outcome.tested and outcome.shifts is not None:
            return step
    return None if tested and room > 1 and not _is_cramped(bench, unit, axis) else 1


def _is_cramped(bench: Bench, unit: Unit, axis: int) -> bool:
    """Whether a stride leaves so few sites that the border is felt at each of them."""
    sizes = [bench.layout(o).sites[axis] for o in unit.outs if bench.layout(o).sites]
    return bool(sizes) and min(sizes) <= MAX_STEP and _ratio(bench, unit, axis) > 1


def _along(bench: Bench, number: int, axis: int, step: int, dim: int) -> Vector:
    return tuple(step if k == axis else 0 for k in range(dim)) if bench.layout(number).sites else ()


def placement(bench: Bench, unit: Unit, lost: Iterable[Element], steps: Sequence[int]) -> Cause | None:
    """Whether the layer keeps an element about another centre than that of its output."""
    for e in lost:
        for t in sorted(product(*(range(s) for s in steps)), key=sum):
            found = inner_turn(bench, unit, e, t)
            if found is not None:
                return _placed(bench, unit, e, t, found, steps)
    return None


def inner_turn(bench: Bench, unit: Unit, e: Element, extra: Vector, still: bool = False) -> Vector | None:
    """The shift beyond the turn about its centre that the output makes, away from the border.

    `still`: with channels that do not move.
    """

    def acting(number: int) -> Channel:
        return None if still else bench.book.of(bench.layout(number).channels, e)

    axes = tuple(range(len(bench.wrap)))
    moved = {}
    for i in unit.ins:
        a = act_on_channels(bench.masked(i, axes), acting(i))
        turned = turn(a, e)
        if turned is None:
            return None
        moved[i] = np.roll(turned, extra, axis=tuple(range(1, a.ndim - 1))) if a.ndim > 2 else turned
    offsets: set[Vector] = set()
    for o, got, base in zip(unit.outs, bench.run(unit, moved), bench.base(unit, axes), strict=True):
        want = turn(act_on_channels(base, acting(o)), e)
        if want is None:
            return None
        limit, atoms = bench.tolerance(unit), bench.layout(o).channels
        if want.ndim == 2:
            if distance(got, want) > limit:
                return None
            continue
        shift = _inner_shift(got, want, limit)
        if shift is None and not still and len(atoms) == 1 and bench.book.is_open(atoms[0], e):
            shift = _inner_shift(blurred(got), blurred(want), limit)
            if shift is not None:
                bench.book.learn(atoms[0], e, match_channels(*_inner(got, want, shift), limit))
        if shift is None:
            return None
        offsets.add(shift)
    if not offsets:
        return ()  # outputs without sites, which agree
    return offsets.pop() if len(offsets) == 1 else None


def turn(array: np.ndarray, e: Element) -> np.ndarray | None:
    """An array turned about its own centre: axes exchanged and mirrored; None for other linear parts."""
    sites = array.shape[1:-1]
    if not sites:
        return array
    if (np.abs(e.matrix).sum(axis=1) != 1).any():
        return None
    order = [int(np.abs(row).argmax()) for row in e.matrix]
    moved = array.transpose(0, *(1 + j for j in order), array.ndim - 1)
    mirrored = [1 + k for k, row in enumerate(e.matrix) if row.sum() < 0]
    moved = np.flip(moved, tuple(mirrored))
    return moved if moved.shape == array.shape else None


def _inner_shift(got: np.ndarray, want: np.ndarray, limit: float) -> Vector | None:
    """The small shift by which want must be moved to be got, compared on the inner sites."""
    sites = want.shape[1:-1]
    top = float(np.abs(want).max()) or 1.0
    options = sorted(product(*(range(-2, 3) for _ in sites)), key=lambda t: sum(map(abs, t)))
    for t in options:
        a, b = _inner(got, want, t)
        if a.size and np.abs(a - b).max() <= limit * top and np.abs(b).max() > 1e-3 * top:
            return tuple(t)
    return None


def _inner(got: np.ndarray, want: np.ndarray, shift: Vector) -> tuple[np.ndarray, np.ndarray]:
    """The inner sites of an array, and those of another that a shift moves there."""
    here, there = [slice(None)], [slice(None)]
    for n, s in zip(want.shape[1:-1], shift, strict=True):
        low, high = max(n // 4, n // 4 + s), max(0, min(n - n // 4, n - n // 4 + s))
        here.append(slice(low, high))
        there.append(slice(low - s, high - s))
    return got[tuple(here)], want[tuple(there)]


def _placed(
    bench: Bench, unit: Unit, e: Element, extra: Vector, found: Vector, steps: Sequence[int]
) -> Cause:
    if not any(extra) and not any(found):
        return BORDER
    if max(steps) == 1:
        return HALF
    n, m = bench.layout(unit.ins[0]).sites, bench.layout(unit.outs[0]).sites
    size = "odd" if n[0] % 2 else "even"
    what = f"{size} size under a stride" if has_weights(unit) else "pooling phase"
    k = next((k for k, row in enumerate(e.matrix) if row.sum() < 0), 0)
    if not m:
        return Cause(what, f"use sizes n of which n - 1 is a multiple of {steps[k]}")
    twice = n[k] - 1 + extra[k] - steps[k] * (m[k] - 1) - steps[k] * found[k]
    fit = [s for s in range(max(1, n[k] - steps[k]), n[k] + steps[k] + 1) if (s - 1 - twice) % steps[k] == 0]
    fit = [s for s in fit if s != n[k]][-2:]
    detail = f"{what}: {n[k]} sites, stride {steps[k]}, samples not about the centre"
    window = "an odd" if twice % 2 else "an even"
    remedy = f"use {' or '.join(map(str, fit))} sites" if fit else f"use other sizes than {n[k]}"
    return Cause(detail, f"{remedy} at this layer" + (f", or {window} window" if steps[k] % 2 == 0 else ""))
