"""Radial functions on a window: the best ones, Gaussian rings, or one's own; what is kept, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from kernels.errors import RadialError, brief
from kernels.radial import Radial
from kernels.sampled.basis import Basis, invariant_basis
from kernels.sampled.families import Family, families
from kernels.sampled.turns import Pieces
from kernels.sampled.waves import nodes, radial_wave
from kernels.sampled.window import Window

RIDGE = 0.0005  # of the energy of all waves, against that of the waves that count
MOST = 0.25  # error beyond which a kernel is one in name only
LEAST = 1e-3  # share of a kernel's energy in the waves that count, below which there is none
EMPTY = 1e-12  # of the energy of the others: no kernel, but rounding
WIDE, LAST = 0.6, 0.4  # standard deviations of rings in taps: all but the last, and the last

OPTIMAL, RINGS = "optimal", "rings"


@dataclass(frozen=True)
class Candidate:
    """One kernel of unit energy: the number of its P_b, its radial function, and what became of it.

    `error`: the part of its waves that is not P_b(w) g(|w|); `share`: of its energy in the waves that count;
    `why`: the reason if it is dropped.
    """

    number: int
    degree: int
    label: str
    error: float
    share: float
    why: str | None
    coordinates: np.ndarray


@dataclass(frozen=True)
class Sampling:
    """The kernels between two pieces on a window, in an orthonormal basis of the invariant ones."""

    window: Window
    pieces: Pieces
    families: tuple[Family, ...]

    @cached_property
    def basis(self) -> Basis:
        return invariant_basis(self.window.places, self.pieces.kept)

    @cached_property
    def total(self) -> np.ndarray:
        """The Gram matrix of kernels by the mean energy of the waves that count."""
        return self.basis.energy(self.window.limit)

    @cached_property
    def wanted(self) -> tuple[np.ndarray, ...]:
        """By family (b, frequencies, size): the g of the part P_b(w) g(|w|) of a kernel's transform."""
        places = self.basis.firsts
        r = np.linalg.norm(places, axis=1)
        at, weights = nodes(self.window.axes, self.window.limit, float(r.max(initial=0)))
        found = []
        for family in self.families:
            waves = radial_wave(self.window.axes, family.degree, at[:, None] * r) * np.sqrt(weights)[:, None]
            parts = [
                np.einsum("f,eb,ek->bfk", waves[:, k], o.root * angular, o.maps)
                for k, (o, angular) in enumerate(
                    zip(self.basis.orbits, family(_directions(places)), strict=True)
                )
            ]
            found.append(
                np.concatenate(parts, axis=2) if parts else np.zeros((family.which.size, len(at), 0))
            )
        return tuple(found)

    def chosen(self, radial: Any) -> list[Candidate]:
        """All candidates, those kept first within every P_b."""
        found = []
        firsts = np.cumsum([0, *(f.which.size for f in self.families)])
        for family, parts, starts in zip(self.families, self.wanted, firsts, strict=False):
            for b, number in enumerate(family.which.tolist()):
                one = _One(self, family, number, parts[b], int(starts) + b)
                found += one.optimal() if radial == OPTIMAL else one.sampled(b, radial)
        return found

    @cached_property
    def factor(self) -> np.ndarray:
        """The Cholesky factor of what a kernel pays for: waves that count, and the ridge."""
        return np.linalg.cholesky(self.total + RIDGE * np.eye(len(self.total)))

    @cached_property
    def best(self) -> np.ndarray:
        """By P_b (size, m): v that maximise |part v|^2 against v (total + ridge) v, best first.

        They are lower^-T u, with u the left singular vectors of lower^-1 part^T.
        """
        parts = np.concatenate(self.wanted)
        reduced = _solve(self.factor, parts.reshape(-1, parts.shape[2]).T)
        reduced = reduced.reshape(-1, *parts.shape[:2]).transpose(1, 0, 2)
        _, vectors = np.linalg.eigh(reduced.transpose(0, 2, 1) @ reduced)
        first = reduced @ vectors[:, :, : -self.seen - 1 : -1]
        flat = first.transpose(1, 0, 2).reshape(len(self.factor), -1)
        return _solve(self.factor, flat, trans=1).reshape(len(self.factor), len(parts), -1).transpose(1, 0, 2)

    @property
    def seen(self) -> int:
        """How many radial functions are looked at for each P_b."""
        return max(self.window.sizes) // 2 + 3


@dataclass(frozen=True)
class _One:
    """One P_b; `part`: (frequencies, size), its g; `place`: its number in order of degrees."""

    sampling: Sampling
    family: Family
    number: int
    part: np.ndarray
    place: int

    def optimal(self) -> list[Candidate]:
        """The best kernels; those that are kept are made orthogonal over the waves that count."""
        if not self.part.size:
            return []
        v = self.sampling.best[self.place]
        errors, shares = self._judged(v)
        good = (errors <= MOST) & (shares >= LEAST)
        many = int(np.argmin(np.append(good, False)))
        kept = [self._candidate(f"{k + 1}", c) for k, c in enumerate(self._settled(v[:, :many]).T)]
        return kept + [self._candidate(f"{k + 1}", v[:, k]) for k in range(many, min(many + 1, v.shape[1]))]

    def _settled(self, v: np.ndarray) -> np.ndarray:
        """The same span, its kernels without interference in the waves that count, least error first."""
        if not v.shape[1]:
            return v
        total = v.T @ self.sampling.total @ v
        part = self.part @ v
        _, u = scipy.linalg.eigh(total - part.T @ part, total)
        return v @ u

    def sampled(self, b: int, radial: Any) -> list[Candidate]:
        """P_b(d/|d|) times every radial function."""
        places = self.sampling.basis.firsts
        r = np.linalg.norm(places, axis=1)
        values = rings(self.sampling.window, r) if radial == RINGS else own(radial, r)
        angular = self.family(_directions(places))[:, :, b]
        kernels = angular[:, :, None] * values[:, None, :]
        coordinates = self.sampling.basis.coordinates(kernels)
        strict = radial == RINGS
        return [self._candidate(f"{k + 1}", c, strict) for k, c in enumerate(coordinates.T)]

    def _judged(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Errors and shares of kernels (size, m)."""
        total = np.maximum((v * (self.sampling.total @ v)).sum(axis=0), 1e-300)
        part = ((self.part @ v) ** 2).sum(axis=0)
        energy = (v**2).sum(axis=0)
        none = energy <= EMPTY * energy.max(initial=0)
        shares = total * self.sampling.window.share / np.where(none, 1, energy)
        return np.where(none, 1, np.sqrt(np.maximum(1 - part / total, 0))), np.where(none, 0, shares)

    def _candidate(self, label: str, c: np.ndarray, strict: bool = True) -> Candidate:
        size = float(np.linalg.norm(c))
        at = (self.number, self.family.degree, label)
        if size < 1e-9:
            return Candidate(*at, 1.0, 0.0, "it is zero on every tap", c)
        c = c / size * (np.sign(_leading(self.part @ c)) or 1.0)
        (error,), (share,) = self._judged(c[:, None])
        why = None
        if share < LEAST:
            why = f"{share:.1e} of its energy is in the band, at least {LEAST:g} is asked"
        elif strict and error > MOST:
            why = f"{_percent(error)} of its waves turn otherwise, at most {_percent(MOST)} may"
        return Candidate(*at, float(error), float(share), why, c)


def _solve(lower: np.ndarray, right: np.ndarray, trans: int = 0) -> np.ndarray:
    found = scipy.linalg.solve_triangular(lower, right, trans=trans, lower=True, check_finite=False)
    return np.asarray(found)


def _leading(values: np.ndarray) -> float:
    """The entry of the largest size, near ties the first."""
    size = abs(values)
    return float(values[np.argmax(size > 0.999 * size.max())])


def _percent(x: float) -> str:
    return f"{100 * x:.2g}%"


def _directions(places: np.ndarray) -> np.ndarray:
    """d/|d|, and 0 at the origin."""
    r = np.linalg.norm(places, axis=1, keepdims=True)
    return places / np.where(r > 0, r, 1)


def rings(window: Window, r: np.ndarray) -> np.ndarray:
    """Gaussian rings as far apart as taps, at distances r: (places, rings)."""
    reach = float(min((k - 1) / 2 * s for k, s in zip(window.sizes, window.steps, strict=True)))
    first = 0.0 if not any(window.offset) else window.step / 2
    radii = first + window.step * np.arange(math.floor((reach - first) / window.step + 1e-9) + 1)
    widths = np.where(np.arange(len(radii)) == len(radii) - 1, LAST, WIDE) * window.step
    widths = np.where(radii == 0, window.step * 1e-3, widths)  # the origin is one tap
    return np.exp(-((r[:, None] - radii) ** 2) / (2 * widths**2))


def own(function: Callable[[np.ndarray], Any], r: np.ndarray) -> np.ndarray:
    """Radial functions of one's own at distances r: (places, n)."""
    try:
        values = np.asarray(function(r), dtype=np.float64)
    except TypeError as error:
        rule = "must take distances (...) to values (..., n) where there is a window"
        raise RadialError("radial", rule, error, "or say 'optimal' or 'rings'") from error
    values = values[:, None] if values.shape == r.shape else values
    if values.shape[:1] != r.shape or values.ndim != 2 or not np.isfinite(values).all():
        rule = f"must take distances {r.shape} to finite values {(*r.shape, 'n')}"
        raise RadialError("radial", rule, values.shape, "give one column per radial function")
    return values


def check_radial(radial: Any) -> Any:
    """What `radial` may be where there is a window."""
    if radial is None:
        return OPTIMAL
    if isinstance(radial, str) and radial in (OPTIMAL, RINGS):
        return radial
    if isinstance(radial, Radial):
        rule = "must not be radial functions of points where there is a window"
        raise RadialError("radial", rule, radial, "leave it out, or leave window out for an op on points")
    if not callable(radial):
        rule = "must be 'optimal', 'rings' or a function of distances where there is a window"
        raise RadialError("radial", rule, brief(radial), "leave it out for the best ones")
    return radial


def sampling(window: Window, plain: Any, pieces: Pieces) -> Sampling:
    """The kernels between two pieces on a window."""
    return Sampling(window, pieces, families(window.axes, plain, pieces))


def without(candidates: Sequence[Candidate]) -> list[int]:
    """The degrees of which nothing is kept."""
    degrees = {c.degree for c in candidates}
    return sorted(degrees - {c.degree for c in candidates if c.why is None})
