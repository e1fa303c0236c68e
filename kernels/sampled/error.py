"""What a sampled layer errs by under turns that the grid does not have: in closed form, kernel by kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from kernels.sampled.choose import Candidate, Sampling
from kernels.sampled.turns import Turn
from kernels.sampled.waves import between


@dataclass(frozen=True)
class Sampled:
    """The kernels that are kept between two pieces; `names`: of the two."""

    sampling: Sampling
    candidates: tuple[Candidate, ...]
    names: str

    @cached_property
    def kept(self) -> tuple[Candidate, ...]:
        return tuple(c for c in self.candidates if c.why is None)

    @cached_property
    def coordinates(self) -> np.ndarray:
        """(size, kernels)."""
        size = self.sampling.basis.size
        columns = [c.coordinates for c in self.kept]
        return np.stack(columns, axis=1) if columns else np.zeros((size, 0))

    @cached_property
    def white(self) -> np.ndarray:
        """(taps, e, kernels) in bases where the fibres are orthogonal."""
        return self.sampling.basis.kernels(self.coordinates)

    @cached_property
    def kernels(self) -> np.ndarray:
        """(kernels, taps, rows, columns), as the fibres are given."""
        pieces = self.sampling.pieces
        shape = (*self.white.shape[::2][::-1], pieces.out.dim, pieces.into.dim)
        return pieces.kernels_given(self.white.transpose(2, 0, 1).reshape(shape))

    @property
    def shares(self) -> np.ndarray:
        """The shares of energy in the band of combinations of kernels that do not overlap, least first."""
        gram = self.coordinates.T @ self.coordinates
        share = self.sampling.window.share
        return np.asarray(share * scipy.linalg.eigvalsh(self.total, gram)) if len(gram) else np.zeros(0)

    @cached_property
    def total(self) -> np.ndarray:
        """The Gram matrix of kernels by the waves that count."""
        return self.coordinates.T @ self.sampling.total @ self.coordinates

    @cached_property
    def equivariant(self) -> np.ndarray:
        """The same of their equivariant parts: the mean over the point group of g K."""
        pieces = self.sampling.pieces
        if not pieces.continuous:
            found = np.mean([self.overlaps(g) for g in pieces.others], axis=0)
            return np.asarray((found + found.T) / 2)
        parts = [p.reshape(-1, p.shape[-1]) @ self.coordinates for p in self.sampling.wanted]
        return sum((p.T @ p for p in parts), np.zeros_like(self.total))

    def overlaps(self, g: Turn) -> np.ndarray:
        """<K_i, g K_j> over the waves that count."""
        places, axes = self.sampling.window.places, self.sampling.window.axes
        waves = between(axes, self.sampling.window.limit, places, places @ g.move.T)
        moved = np.einsum("ef,tfk->tek", g.on_kernels, self.white)
        many = self.white.shape[-1]
        seen = np.tensordot(waves, moved, 1)
        return self.white.reshape(-1, many).T @ seen.reshape(-1, many)

    @cached_property
    def errors(self) -> np.ndarray:
        """By kernel: the root of the share of its waves that is not equivariant."""
        share = np.diag(self.equivariant) / np.diag(self.total)
        return np.sqrt(np.maximum(1 - share, 0))

    def at(self, g: Turn) -> np.ndarray:
        """By kernel: |K - g K| / |K| over the waves that count."""
        share = np.diag(self.overlaps(g)) / np.diag(self.total)
        return np.sqrt(np.maximum(2 - 2 * share, 0))

    def combined(self, degree: int | None = None) -> np.ndarray:
        """The errors of the combinations of kernels (of one degree) that do not interfere, least first."""
        own = [k for k, c in enumerate(self.kept) if degree in (None, c.degree)]
        total, part = (m[np.ix_(own, own)] for m in (self.total, self.equivariant))
        return np.sqrt(np.maximum(scipy.linalg.eigvalsh(total - part, total), 0)) if own else np.zeros(0)


@dataclass(frozen=True, repr=False)
class EquivarianceError:
    """The equivariance error of every kernel: closed form, no image, no interpolation.

        error^2 = |K^ - P K^|^2 / |K^|^2      over all waves |w| <= W

    K^ is the kernel's transform, by which a layer multiplies plane waves, and P its mean over the point
    group. `limit`: W. The mean over the group of `at(g)`^2 is twice the square of the error.
    """

    pairs: tuple[Sampled, ...]
    limit: float

    @property
    def per_kernel(self) -> tuple[np.ndarray, ...]:
        """By pair of blocks, as weights are, the error of every kernel."""
        return tuple(p.errors for p in self.pairs)

    @property
    def worst(self) -> float:
        """The largest of them."""
        return max((float(e.max(initial=0)) for e in self.per_kernel), default=0.0)

    def combined(self, degree: int | None = None) -> tuple[np.ndarray, ...]:
        """By pair of blocks the errors of combinations of kernels, the largest that there is last."""
        return tuple(p.combined(degree) for p in self.pairs)

    def at(self, g: Any) -> tuple[np.ndarray, ...]:
        """By pair of blocks |K^ - g K^| / |K^| of every kernel, at one element of the point group.

        `g`: an angle (SO(2), O(2)), {generator of the algebra: parameter}, a word in the other generators, or
        a tuple of these: their product.
        """
        return tuple(p.at(p.sampling.pieces.element(g)) for p in self.pairs)

    def __repr__(self) -> str:
        title = f"equivariance error over waves |w| <= {self.limit:.3g}, root of the share of energy"
        rows = [("kernels", "degree", "P", "radial", "error", "in the band")]
        for pair in _once(self.pairs):
            for c, error in zip(pair.kept, pair.errors, strict=True):
                rows.append(
                    (pair.names, str(c.degree), str(c.number + 1), c.label, shown(error), f"{c.share:.2g}")
                )
        return table(title, rows)


@dataclass(frozen=True, repr=False)
class KernelsKept:
    """Which kernels a window holds, which were dropped, and why."""

    pairs: tuple[Sampled, ...]

    @property
    def kept(self) -> tuple[Candidate, ...]:
        return tuple(c for p in _once(self.pairs) for c in p.candidates if c.why is None)

    @property
    def dropped(self) -> tuple[Candidate, ...]:
        return tuple(c for p in _once(self.pairs) for c in p.candidates if c.why is not None)

    def __repr__(self) -> str:
        rows = [("kernels", "degree", "P", "radial", "")]
        for pair in _once(self.pairs):
            for c in pair.candidates:
                said = "kept" if c.why is None else f"dropped: {c.why}"
                rows.append((pair.names, str(c.degree), str(c.number + 1), c.label, said))
        title = f"{len(self.kept)} kernels kept, {len(self.dropped)} dropped, for each pair of copies"
        return table(title, rows)


def _once(pairs: tuple[Sampled, ...]) -> list[Sampled]:
    return list({id(p): p for p in pairs}.values())


def shown(error: float) -> str:
    """An error for people: nothing below rounding."""
    return "exact" if error < 1e-6 else f"{100 * error:.2g}%"


def table(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    """Columns side by side."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, *(f"  {line}" for line in lines)])
