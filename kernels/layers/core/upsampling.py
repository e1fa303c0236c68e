"""Arrays on finer lattices: values between sites, taken from the nearest or mixed from two."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim

import derive
from derive.symmetry.sizes import per_axis, rational
from kernels.errors import FieldError, ShapeError, brief, known
from kernels.layers.core import fields
from kernels.layers.core.slanted import SlantedUpsampleSpec, slanted
from kernels.layers.core.spec import FunctionSpec, Params, floating

METHODS = ("nearest", "linear")
CACHED = 512


@dataclass(frozen=True, eq=False, repr=False)
class UpsampleSpec(FunctionSpec):
    """Along every axis y(p) = (1 - t) x(q) + t x(q + 1), the position of p being q + t."""

    factors: tuple[Fraction, ...]
    corners: bool
    method: str

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        x = floating(x)
        first = x.ndim - 1 - len(self.factors)
        for axis, (factor, closed) in enumerate(zip(self.factors, fields.periodic(self.into), strict=True)):
            low, high, share = between(x.shape[first + axis], factor, self.corners, self.method, closed)
            t = jnp.asarray(share, x.dtype).reshape((-1,) + (1,) * (x.ndim - 1 - first - axis))
            x = jnp.take(x, low, first + axis) * (1 - t) + jnp.take(x, high, first + axis) * t
        return x

    @property
    def details(self) -> str:
        return f", {self.method}"


def between(n: Any, factor: Fraction, corners: bool, method: str, closed: bool) -> tuple[Any, Any, Any]:
    """For every output site two input sites, and the share of the second; n may be left open by an export."""
    a, b = factor.numerator, factor.denominator
    some: Any = jnp if is_symbolic_dim(n) else np
    p = some.arange(outputs(n, factor, corners))
    top, bottom = (b * p, a) if corners else (b * (2 * p + 1) - a, 2 * a)  # positions, as fractions
    low, rest = top // bottom, top % bottom
    nearest = (2 * rest > bottom) + 0.5 * (2 * rest == bottom)  # a tie takes the mean: no side is preferred
    share = nearest if method == "nearest" else rest / bottom
    return _inside(low, n, closed), _inside(low + 1, n, closed), share


def _inside(sites: Any, n: Any, closed: bool) -> Any:
    """Sites beyond the ends: around the circle, or the last ones."""
    if closed:
        return sites % n
    return jnp.clip(sites, 0, n - 1) if is_symbolic_dim(n) else np.clip(sites, 0, max(n - 1, 0))


def outputs(n: Any, factor: Fraction, corners: bool) -> Any:
    """How many sites n sites become."""
    a, b = factor.numerator, factor.denominator
    if b > 1 and n * a % b:
        rule = f"must have a size that {factor} times makes a whole number"
        raise ShapeError("x", rule, n, f"use a multiple of {b}")
    return a * (n - 1) // b + 1 if corners else a * n // b


def first_site(factor: Fraction, corners: bool) -> Fraction:
    """Where the first output site stands, in sites of the input."""
    return Fraction(0) if corners else 1 / (2 * factor) - Fraction(1, 2)


def upsample(
    field: derive.Field, factor: Any = None, *, size: Any = None, grid: Any = None, method: str = "nearest"
) -> UpsampleSpec | SlantedUpsampleSpec:
    """An array of more sites, centred on the one that it is made from, so that turns and mirrors remain.

        y(p) = (1 - t) x(q) + t x(q + 1)        position(p) = position(q) + t sites; nearest: t = 0, 1/2 or 1

    Args:
        field: what it reads, of any fibre; it returns `.out`.
        factor: how many times as many sites, an int or a fraction such as "3/2", or one per axis: n sites
            become factor * n, standing evenly about the same middle.
        size: the number of sites wanted instead, one for all axes or one each: where size - 1 is a multiple
            of n - 1, as 13 of 7, sites stay and others come between; else they stand evenly.
        grid: n, the number of sites given, for `size`; a field with a grid of its own has it.
        method: "nearest" (a tie takes the mean) or "linear".

    Where axes are not at right angles, as those of hexagonal groups, sites stay and others come between: n
    around a circle become factor * n, on a line factor * (n - 1) + 1; "nearest" goes by the distance that the
    group keeps, "linear" is the mean over the group of what is linear along the axes.

    Raises:
        FieldError: an argument does not fit, or the point group exchanges axes of different factors.

    >>> upsample(derive.Field(derive.wallpaper("p4")), 2)
    trivial on Z^2, spacing (1/2, 1/2), offset (-1/4, -1/4), nearest
    >>> upsample(derive.Field(derive.wallpaper("p4")), size=13, grid=7)
    trivial on Z^2, spacing (1/2, 1/2), nearest
    """
    x = fields.require_lattice(fields.read_field(field), "Upsample")
    if not known(method, METHODS):
        raise FieldError("method", f"must be one of {METHODS}", brief(method), "use 'nearest'")
    if (factor is None) == (size is None):
        both = (factor, size)
        raise FieldError("factor, size", "exactly one of the two must be given", both, "give factor=2")
    slant = _is_slanted(x)
    if size is None:
        given = per_axis(factor, fields.rank(x), "factor")
        factors, corners = tuple(rational(f, "factor") for f in given), False
    else:
        factors, corners = _from_size(x, size, grid, slant)
    if any(f < 1 for f in factors):
        shown = tuple(map(str, factors))
        raise FieldError("factor", "must be at least 1", shown, "use AvgPool or BlurPool for fewer sites")
    return slanted(x, factors, method) if slant else _upsampled(x, factors, corners, method)


def _from_size(x: derive.Field, size: Any, grid: Any, slant: bool) -> tuple[tuple[Fraction, ...], bool]:
    """Factors that make the size wanted, and whether the outermost sites stay where they are."""
    own = fields.grid(x)
    given = own if grid is None else per_axis(grid, fields.rank(x), "grid")
    if any(n is not None and n != m for n, m in zip(own, given, strict=True)):
        raise FieldError("grid", f"is {own} in the field", given, "leave it out")
    wanted = per_axis(size, fields.rank(x), "size")
    if None in given:
        raise FieldError(
            "grid", "is needed for a size, where the field has none", None, "give grid=7, or a factor"
        )
    pairs = [(int(n), int(m)) for n, m in zip(given, wanted, strict=True)]
    if slant:
        steps = [(n, m) if c else (n - 1, m - 1) for (n, m), c in zip(pairs, fields.periodic(x), strict=True)]
        return tuple(Fraction(m, max(n, 1)) for n, m in steps), True
    stay = all(n > 1 and (m - 1) % (n - 1) == 0 and m % n for n, m in pairs) and not any(fields.periodic(x))
    if stay:
        return tuple(Fraction(m - 1, n - 1) for n, m in pairs), True
    return tuple(Fraction(m, max(n, 1)) for n, m in pairs), False


def _is_slanted(x: derive.Field) -> bool:
    """Whether the point group turns axes by other than right angles."""
    matrices = (x.group.motions[g].matrix for g in x.group.point.generators)
    return any(sum(map(abs, row)) != 1 for rows in matrices for row in rows)


@lru_cache(maxsize=CACHED)
def _upsampled(x: derive.Field, factors: tuple[Fraction, ...], corners: bool, method: str) -> UpsampleSpec:
    ratio = tuple(1 / f for f in factors)
    shift = tuple(first_site(f, corners) for f in factors)
    sites = tuple(
        None if n is None else outputs(n, f, corners) for n, f in zip(fields.grid(x), factors, strict=True)
    )
    into, out, own = fields.moved(x, x.fibre, ratio, shift, sites)
    return UpsampleSpec(x, out.replace(group=own), into.group, factors, corners, method)
