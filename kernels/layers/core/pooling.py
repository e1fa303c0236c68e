"""Pooling over sites: means, largest values and binomial blurs of windows that the point group preserves.

A window of k sites has its middle (k - 1) / 2 sites after its first, so that even windows return sites
between those that they read; the output's field says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.export import is_symbolic_dim

import derive
from derive.lattice.supports import require_invariant
from derive.symmetry.sizes import rational
from derive.symmetry.support import Region, Support, resolve
from kernels.convolution.borders.border import Border, parse_padding
from kernels.errors import FieldError, PaddingError, ShapeError, WindowError
from kernels.integers import Ints, per_axis
from kernels.layers.core import fields
from kernels.layers.core.centres import Sayer, notice, read_on_broken
from kernels.layers.core.fibres import PERMUTED, layout
from kernels.layers.core.spec import FunctionSpec, Params, floating
from kernels.precision import summed
from kernels.static import Content, Static

MODES = {"CIRCULAR": "wrap", "REFLECT": "reflect", "REPLICATE": "edge"}
CACHED = 512


@dataclass(frozen=True, eq=False)
class Window(Content):
    """Which sites an output reads: `taps[j]` of them, dilated, from `low` sites before its first input on.

    `modes`: per axis the name of a border that repeats the image, or "" for what the layer puts there.
    """

    taps: Static  # (k, l, ...): 1 where a site is read, or its weight
    dilation: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    modes: tuple[str, ...]

    @property
    def spans(self) -> tuple[int, ...]:
        """How many sites the window reaches over."""
        return tuple((k - 1) * e + 1 for k, e in zip(self.taps.array.shape, self.dilation, strict=True))

    def outputs(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """How many sites come out."""
        return tuple(
            max((n + low + high - span) // s + 1, 0)
            for n, (low, high), span, s in zip(sizes, self.pads, self.spans, self.strides, strict=True)
        )

    def bordered(self, x: jax.Array, value: float) -> jax.Array:
        """The array with its border; axes are (batch..., spatial..., C)."""
        rank = len(self.pads)
        for axis, ((low, high), mode) in enumerate(zip(self.pads, self.modes, strict=True)):
            if not low and not high:
                continue
            at = x.ndim - 1 - rank + axis
            room = [(0, 0)] * x.ndim
            room[at] = (low, high)
            if mode == "REFLECT" and max(low, high) >= x.shape[at]:
                rule = f"mirrors more sites than the {x.shape[at]} that there are"
                raise PaddingError("padding", rule, (low, high), "use a smaller window, or SAME")
            more = {"mode": MODES[mode]} if mode else {"constant_values": value}
            x = jnp.pad(x, room, **more)
        return x

    def reads(self, x: jax.Array) -> Iterator[tuple[float, jax.Array]]:
        """For every tap its weight and what all outputs read there, of an array with its border."""
        rank = len(self.pads)
        first = x.ndim - 1 - rank
        sizes = self.outputs(
            [n - low - high for n, (low, high) in zip(x.shape[first:-1], self.pads, strict=True)]
        )
        for tap in product(*map(range, self.taps.array.shape)):
            weight = float(self.taps.array[tap])
            if weight:
                starts = [j * e for j, e in zip(tap, self.dilation, strict=True)]
                yield weight, self._slice(x, first, starts, sizes)

    def _slice(self, x: jax.Array, first: int, starts: Sequence[int], sizes: Sequence[int]) -> jax.Array:
        for axis, (start, n, s) in enumerate(zip(starts, sizes, self.strides, strict=True)):
            stop = start + (n - 1) * s + 1 if n else start
            x = lax.slice_in_dim(x, start, stop, s, axis=first + axis)
        return x


@dataclass(frozen=True, eq=False, repr=False)
class PoolSpec(FunctionSpec):
    """Every window's mean, largest value or weighted sum."""

    window: Window
    how: str
    on_broken: str

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        x = floating(x)
        sizes = x.shape[x.ndim - 1 - len(self.window.pads) : -1]
        if not all(self.window.outputs(sizes)):
            rule = f"must have at least the window's sites, {self.window.spans} with its border"
            raise ShapeError("x", rule, sizes, "use a larger array or a smaller window")
        for n, mode, s in zip(sizes, self.window.modes, self.window.strides, strict=True):
            if mode == "CIRCULAR" and n % s:
                raise ShapeError(
                    "x", f"must have a multiple of {s} sites on a circle", n, f"use {n // s * s}"
                )
        if not any(map(is_symbolic_dim, sizes)):
            notice(Sayer(self.fields[0], self.on_broken), self.window, tuple(sizes))
        return self._largest(x) if self.how == "max" else self._sum(x)

    def _largest(self, x: jax.Array) -> jax.Array:
        window = self.window
        x = window.bordered(x, -math.inf)
        if window.taps.array.all():
            rank = len(window.strides)
            room = (1,) * (x.ndim - 1 - rank)
            shape = (*room, *window.taps.array.shape, 1)
            if max(window.dilation) == 1:
                return lax.reduce_window(x, -jnp.inf, lax.max, shape, (*room, *window.strides, 1), "VALID")
        return reduce(jnp.maximum, (read for _, read in window.reads(x)))

    def _sum(self, x: jax.Array) -> jax.Array:
        wide = self.window.bordered(summed(x), 0)
        return reduce(jnp.add, (weight * read for weight, read in self.window.reads(wide))).astype(x.dtype)

    @property
    def details(self) -> str:
        return f", {self.how} of {int(np.count_nonzero(self.window.taps.array))} sites"


@dataclass(frozen=True, eq=False, repr=False)
class GlobalPoolSpec(FunctionSpec):
    """The mean or the largest value over all sites: what is left has no lattice."""

    how: str

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        axes = tuple(range(x.ndim - 1 - fields.rank(self.into), x.ndim - 1))
        x = floating(x)
        return x.max(axes) if self.how == "max" else summed(x).mean(axes).astype(x.dtype)

    @property
    def details(self) -> str:
        return f", {self.how} over all sites"


# ---- what people give -----------------------------------------------------------------------------------


def avg_pool(
    field: derive.Field,
    window: Any = None,
    *,
    strides: Any = None,
    padding: Any = None,
    on_broken: str = "warn",
) -> PoolSpec | GlobalPoolSpec:
    """The mean of every window, of any fibre.

        y(p) = mean over d in window of x(p + d)

    Args:
        field: what it reads; it returns `.out`, on a lattice `strides` times coarser.
        window: a size, one per axis, derive.window or derive.hexagon(r), counted in sites; None for all
            sites, which leaves a representation.
        strides: an integer, or one per axis; the window's size unless given, so that windows tile.
        padding: "VALID" (windows that lie on the array; the default), "SAME" (zeros), "CIRCULAR" (the default
            where the field is periodic), "REFLECT", "REPLICATE", or (low, high) pairs.
        on_broken: "warn", "error" or "ignore" where sizes leave the outputs beside the middle of the inputs,
            so that a turn or a mirror of the one is not one of the other.

    Raises:
        FieldError, WindowError, PaddingError: an argument does not fit. DeriveError: the point group does not
        preserve the window or the new lattice.

    >>> avg_pool(derive.Field(derive.wallpaper("p4")), 2)
    trivial on Z^2, spacing (2, 2), offset (1/2, 1/2), mean of 4 sites
    """
    return _pool(field, window, strides, padding, "mean", on_broken)


def max_pool(
    field: derive.Field,
    window: Any = None,
    *,
    strides: Any = None,
    padding: Any = None,
    on_broken: str = "warn",
) -> PoolSpec | GlobalPoolSpec:
    """The largest value of every window, channel by channel, of fibres that the group permutes.

        y(p)[i] = max over d in window of x(p + d)[i]

    Args:
        field, window, strides, padding, on_broken: as in `AvgPool`.

    Raises:
        As `AvgPool`; FieldError where the group changes signs of channels or mixes them.

    >>> max_pool(derive.Field(derive.wallpaper("p4")), 3, strides=2, padding="SAME")
    trivial on Z^2, spacing (2, 2), max of 9 sites
    """
    for part in layout(fields.read_field(field).fibre).parts:
        if part.kind != PERMUTED:
            why = part.why or "signs change"
            rule = f"needs channels that the group permutes, and on {part.where} it does not: {why}"
            raise FieldError("MaxPool", rule, part.name, "use AvgPool or BlurPool, or pool lengths")
    return _pool(field, window, strides, padding, "max", on_broken)


def blur_pool(
    field: derive.Field,
    size: Ints = 3,
    *,
    strides: Any = 2,
    padding: Any = None,
    on_broken: str = "warn",
) -> PoolSpec:
    """A binomial blur before sites are left out, which keeps shifts by less than a stride nearly as they are.

        y(p) = sum_d B[d] x(p + d)        B[d] = prod_i C(k - 1, d_i + (k-1)/2) / 2^(k-1)

    Args:
        field: what it reads, of any fibre; it returns `.out`.
        size: how many sites the filter has, or one number per axis.
        strides: an integer, or one per axis.
        padding: "SAME" (zeros) unless the field is periodic; else as in `AvgPool`.
        on_broken: as in `AvgPool`.

    Raises:
        As `AvgPool`.

    >>> blur_pool(derive.Field(derive.wallpaper("p4")))
    trivial on Z^2, spacing (2, 2), blur of 9 sites

    Source: R. Zhang, "Making convolutional networks shift-invariant again", 2019.
    """
    x = fields.require_lattice(fields.read_field(field), "BlurPool")
    border = "SAME" if padding is None and not any(fields.periodic(x)) else padding
    return _pool(x, size, strides, border, "blur", on_broken)


def _pool(field: Any, window: Any, strides: Any, padding: Any, how: str, on_broken: str) -> Any:
    x = fields.require_lattice(
        fields.read_field(field), {"max": "MaxPool", "mean": "AvgPool"}.get(how, "BlurPool")
    )
    if window is None:
        out = fields.read_field(x.fibre)
        return GlobalPoolSpec(x, out, out.group, how)
    shape, taps, dilation = _taps(x, window)
    steps = per_axis("strides", shape if strides is None else strides, fields.rank(x))
    return _pooled(x, taps, dilation, steps, _borders(padding, x), how, read_on_broken(on_broken))


def _taps(x: derive.Field, window: Any) -> tuple[tuple[int, ...], Static, tuple[int, ...]]:
    """The sites of a window: its size along every axis, which sites of it are read, and their distance."""
    rank = fields.rank(x)
    if not isinstance(window, Support):
        sizes = per_axis("window", window, rank)
        return sizes, Static(np.ones(sizes)), (1,) * rank
    if window.kind == "box":
        return _box(window, rank)
    unit = (Fraction(1),) * rank
    region = resolve(window, rank, (Fraction(0),) * rank, unit, x.group.metric)
    points = np.array([[int(d) for d in point] for point in region.points or ()])
    low = points.min(0)
    taps = np.zeros(tuple((points.max(0) - low + 1).tolist()))
    taps[tuple((points - low).T)] = 1
    return taps.shape, Static(taps), (1,) * rank


def _box(window: Support, rank: int) -> tuple[tuple[int, ...], Static, tuple[int, ...]]:
    radii = window.radius if isinstance(window.radius, tuple) else (window.radius,) * rank
    steps = window.step if isinstance(window.step, tuple) else (window.step,) * rank
    if len(radii) != rank or len(steps) != rank or None in radii:
        raise WindowError(
            "window", f"must have a size along each of {rank} axes", window, "give derive.window(3)"
        )
    sizes = tuple(int(2 * rational(r, "radius") / s) + 1 for r, s in zip(radii, steps, strict=True))
    return sizes, Static(np.ones(sizes)), tuple(int(s) for s in steps)


def _borders(padding: Any, x: derive.Field) -> tuple[Border, ...]:
    """One border per axis: a circle where the field is one, and as given elsewhere; VALID unless given."""
    closed = fields.periodic(x)
    if padding is None:
        return tuple(Border("CIRCULAR" if circle else "VALID") for circle in closed)
    found = parse_padding(padding, fields.rank(x))
    for border, circle in zip(found, closed, strict=True):
        if border.name in ("SAME_LOWER", "CAUSAL"):
            raise PaddingError("padding", "must lie alike on both sides", border.name, "use SAME or VALID")
        if circle and border.name != "CIRCULAR":
            raise PaddingError(
                "padding", "is a circle where the field is periodic", border.name, "leave it out"
            )
    return found


@lru_cache(maxsize=CACHED)
def _pooled(
    x: derive.Field,
    taps: Static,
    dilation: tuple[int, ...],
    strides: tuple[int, ...],
    borders: Any,
    how: str,
    on_broken: str,
) -> PoolSpec:
    window = Window(_weighted(taps, how), dilation, strides, (), ())
    pads = tuple(map(_pads, borders, window.spans, strides))
    modes = tuple(border.name if border.name in MODES else "" for border in borders)
    window = replace(window, pads=pads, modes=modes)
    middle = tuple(Fraction(span - 1, 2) - low for span, (low, _) in zip(window.spans, pads, strict=True))
    known = fields.grid(x)
    sizes = window.outputs([0 if n is None else n for n in known])
    sites = tuple(None if n is None else m for n, m in zip(known, sizes, strict=True))
    _require_kept(x.group, taps.array, dilation)
    into, out, own = fields.moved(x, x.fibre, tuple(map(Fraction, strides)), middle, sites)
    return PoolSpec(x, out.replace(group=own), into.group, window, how, on_broken)


def _require_kept(group: derive.SpaceGroup, taps: np.ndarray, dilation: tuple[int, ...]) -> None:
    """Refuse a window that a generator carries outside itself."""
    try:
        require_invariant(group, Region(points=_displacements(taps, dilation)))
    except derive.SupportError as error:
        remedy = "use one size for all axes, and derive.hexagon(1) on a hexagonal lattice"
        raise WindowError("window", error.rule, error.value, remedy) from error


def _weighted(taps: Static, how: str) -> Static:
    """The taps with their weights: equal ones that add up to 1, or binomial ones."""
    if how == "max":
        return taps
    if how == "mean":
        return Static(taps.array / taps.array.sum())
    rows = [np.array([math.comb(k - 1, j) for j in range(k)]) / 2.0 ** (k - 1) for k in taps.array.shape]
    return Static(reduce(np.multiply.outer, rows))


def _pads(border: Border, span: int, stride: int) -> tuple[int, int]:
    """How many sites a border adds: as many on both sides of an odd window; on a circle one per window."""
    if border.name == "WIDTHS":
        return border.low, border.high
    if border.name == "VALID":
        return 0, 0
    low = (span - 1) // 2
    if border.name != "CIRCULAR":
        return low, span - 1 - low
    low = min(low, max(span - stride, 0))
    return low, max(span - stride - low, 0)


def _displacements(taps: np.ndarray, dilation: Sequence[int]) -> tuple[tuple[Fraction, ...], ...]:
    """Where the sites that are read lie about the middle of a window."""
    middle = [Fraction((k - 1) * e, 2) for k, e in zip(taps.shape, dilation, strict=True)]
    found = (
        tuple(int(j) * e - m for j, e, m in zip(tap, dilation, middle, strict=True))
        for tap in np.argwhere(taps)
    )
    return tuple(sorted(found))
