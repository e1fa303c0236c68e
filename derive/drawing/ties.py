"""Which cells of a picture share a weight, with which sign, in which colour and by which letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from derive.drawing.colours import WHITE, class_colours
from derive.errors import SizeError, TooLargeError, brief

Terms = tuple[tuple[int, Any], ...]  # weights and what they are multiplied by
CELLS = 1 << 16  # cells that a picture holds


@dataclass(frozen=True, eq=False)
class Ties:
    """What stands in every cell: class `labels` (-1 for zero) with sign `signs`, written `names[class]`.

    Cells whose sums of weights are equal, or negatives of each other, are of one class; `terms` are the sums.
    """

    labels: np.ndarray
    signs: np.ndarray
    names: tuple[str, ...]
    terms: tuple[Terms, ...] = ()

    @property
    def classes(self) -> int:
        return len(self.names)

    @cached_property
    def palette(self) -> np.ndarray:
        """The colour of every class, and white for zero at the end."""
        return np.concatenate([class_colours(self.classes), [WHITE]])

    @property
    def colours(self) -> np.ndarray:
        """(..., 3), the colour of every cell."""
        return self.palette[self.labels]

    @property
    def negative(self) -> np.ndarray:
        return (self.labels >= 0) & (self.signs < 0)

    @property
    def texts(self) -> np.ndarray:
        """What is written in every cell."""
        written = np.array([*self.names, ""], dtype=object)[self.labels]
        minus = [f"-({t})" if " " in t else f"-{t}" for t in written[self.negative]]
        written[self.negative] = minus
        return written

    def coefficients(self, weight: int) -> list[Any]:
        """What one weight is multiplied by in every cell."""
        of_class = [*(dict(terms).get(weight, 0) for terms in self.terms), 0]
        cells = zip(self.labels.reshape(-1).tolist(), self.signs.reshape(-1).tolist(), strict=True)
        return [sign * of_class[label] for label, sign in cells]

    def at(self, index: Any) -> Ties:
        """The same for some cells."""
        return replace(self, labels=self.labels[index], signs=self.signs[index])


def group(shape: Sequence[int], place: np.ndarray, weight: np.ndarray, value: np.ndarray) -> Ties:
    """Ties of an array of cells from what is added up at each flat place."""
    require_cells(shape)
    sums: dict[int, list[tuple[int, Any]]] = {}
    for at, k, v in zip(place.tolist(), weight.tolist(), value.tolist(), strict=True):
        sums.setdefault(at, []).append((k, v))
    kinds: dict[Terms, int] = {}
    labels = np.full(int(np.prod(shape, dtype=int)), -1, dtype=np.int64)
    signs = np.ones(len(labels), dtype=np.int64)
    for at in sorted(sums):
        terms = sorted(sums[at], key=lambda term: term[0])
        sign = -1 if _is_negative(terms[0][1]) else 1
        labels[at] = kinds.setdefault(tuple((k, sign * v) for k, v in terms), len(kinds))
        signs[at] = sign
    return Ties(labels.reshape(shape), signs.reshape(shape), tuple(map(_named, kinds)), tuple(kinds))


def group_values(values: Any) -> Ties:
    """Ties of an array of numbers: equal numbers are equal weights, whatever their sign."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or not np.isfinite(array.astype(float)).all():
        raise SizeError(
            "values", "must be an array of finite real numbers", brief(values), "give the numbers"
        )
    require_cells(array.shape)
    array = array.astype(float)
    sizes = np.unique(np.abs(array[array != 0]))
    labels = np.where(array == 0, -1, np.searchsorted(sizes, np.abs(array)))
    return Ties(labels, np.where(array < 0, -1, 1), tuple(f"{s:.3g}" for s in sizes))


def require_cells(shape: Sequence[int]) -> None:
    """Refuse pictures in which nothing could be seen."""
    many = int(np.prod([int(n) for n in shape], dtype=object))
    if many > CELLS:
        raise TooLargeError(
            "picture", f"must hold at most {CELLS:,} cells", f"{many:,}", "draw a smaller grid"
        )


def _is_negative(value: Any) -> bool:
    return bool(value.could_extract_minus_sign()) if isinstance(value, sympy.Expr) else value < 0


def _named(terms: Sequence[tuple[int, Any]]) -> str:
    text = " + ".join(letter(k) if v == 1 else f"{v}{letter(k)}" for k, v in terms)
    return text.replace("+ -1", "+ -").replace("+ -", "- ")


def letter(k: int) -> str:
    """a, b, ..., z, aa, ab, ...

    >>> letter(0), letter(27)
    ('a', 'ab')
    """
    return chr(97 + k) if k < 26 else letter(k // 26 - 1) + chr(97 + k % 26)
