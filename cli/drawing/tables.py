"""Tables of weights as pictures: one cell per entry, equal weights in equal colours with equal letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import cos, pi, sin, sqrt
from typing import Any

import numpy as np
import sympy

from cli.drawing.svg import COLOURS, DARK, element, picture, words

SIDE = 28.0  # of a cell, in pixels
LEAST = 14.0  # of a cell in a large table
MANY = 12  # cells along an axis from which they shrink
LABEL = 7  # characters that fit a cell
EDGE = {"stroke": "currentColor", "stroke_opacity": "0.4"}


@dataclass(frozen=True)
class _Cell:
    """A square, or a hexagon on a hexagonal lattice, about (x, y)."""

    x: float
    y: float
    side: float
    hexagonal: bool

    def shape(self, fill: str, strength: float = 1.0) -> str:
        given = {"fill": fill, "fill_opacity": strength, **EDGE}
        if not self.hexagonal:
            corner = {"x": self.x - self.side / 2, "y": self.y - self.side / 2}
            return element("rect", **corner, width=self.side, height=self.side, **given)
        radius = self.side / sqrt(3)
        corners = [(self.x + radius * sin(pi * k / 3), self.y + radius * cos(pi * k / 3)) for k in range(6)]
        return element("polygon", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in corners), **given)

    def strokes(self, ink: str) -> str:
        """Two thin strokes across opposite corners, which leave the letter alone."""
        far, half = 0.62 * self.side / 2, 0.3 * self.side / 2
        ends = [(s * far - half, s * far + half, s * far + half, s * far - half) for s in (-1, 1)]
        path = "".join(
            f"M{self.x + a:.1f} {self.y + b:.1f}L{self.x + c:.1f} {self.y + d:.1f}" for a, b, c, d in ends
        )
        return element("path", d=path, stroke=ink, stroke_width="1.5", fill="none")

    def label(self, text: str, size: float, **more: object) -> str:
        return words(text, self.x, self.y, size, **more)


def tying(table: np.ndarray, title: str, shear: int = 0) -> Iterator[str]:
    """A picture for every two-dimensional slice of a table of sums of weights.

    `shear`: +1 or -1 where the table is of a hexagonal lattice whose axes meet at 60 or 120 degrees.
    """
    for where, part in slices(table):
        cells = [_tied(entry, cell) for entry, cell in _places(part, shear)]
        yield picture(title + where, *_extent(part, shear), *cells)


def coefficients(table: Any, title: str, shear: int = 0) -> Iterator[str]:
    """The same of a table of numbers: blue above zero, orange below, empty at zero, the number written in."""
    numbers = np.asarray(table, dtype=object)
    most = max((abs(float(v)) for v in numbers.ravel()), default=0.0) or 1.0
    for where, part in slices(numbers):
        cells = [_number(entry, most, cell) for entry, cell in _places(part, shear)]
        yield picture(title + where, *_extent(part, shear), *cells)


def slices(table: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Every slice along the last two axes, and which one it is."""
    whole = np.asarray(table, dtype=object)
    if whole.ndim < 2:
        yield "", whole.reshape(1, -1)
        return
    for index in product(*(range(n) for n in whole.shape[:-2])):
        where = f", slice {', '.join(map(str, index))}" if index else ""
        yield where, whole[index]


def _side(table: np.ndarray) -> float:
    longest = max(table.shape)
    return SIDE if longest <= MANY else max(LEAST, MANY * SIDE / longest)


def _row(shear: int) -> float:
    """The distance of two rows, in cells."""
    return sqrt(3) / 2 if shear else 1.0


def _extent(table: np.ndarray, shear: int) -> tuple[float, float]:
    (rows, columns), side = table.shape, _side(table)
    height = (rows - 1) * _row(shear) + (2 / sqrt(3) if shear else 1.0)
    return side * (columns + abs(shear) * (rows - 1) / 2) + 2, side * height + 2


def _places(table: np.ndarray, shear: int) -> Iterator[tuple[Any, _Cell]]:
    """Every entry with its cell; hexagonal rows are shifted, and zeros beyond the hexagon left out."""
    (rows, columns), side = table.shape, _side(table)
    top = side / sqrt(3) if shear else side / 2
    for (i, j), entry in np.ndenumerate(table):
        across = abs(2 * i - rows + 1 + shear * (2 * j - columns + 1))
        if shear and entry == 0 and across > max(rows, columns) - 1:
            continue
        slide = abs(shear) * (i if shear > 0 else rows - 1 - i) / 2
        yield entry, _Cell(1 + side * (j + slide + 0.5), 1 + top + side * i * _row(shear), side, bool(shear))


def _tied(entry: Any, cell: _Cell) -> str:
    """One sum of weights: its letter's colour, two corners cut where it is negated, grey for a sum."""
    if entry == 0:
        return _empty(cell)
    label = sympy.sstr(entry).replace("*", "").replace("-", "−")
    factor, weight = sympy.sympify(entry).as_coeff_Mul()
    fill = COLOURS[_position(str(weight)) % len(COLOURS)] if weight.is_Symbol else "#bbbbbb"
    ink = "#ffffff" if fill in DARK else "#000000"
    shown = label if len(label) <= LABEL else "…"
    size = min(0.55 * cell.side, 1.5 * cell.side / len(shown))
    strokes = cell.strokes(ink) if weight.is_Symbol and factor < 0 else ""
    title = element("title", label)
    return element("g", title, cell.shape(fill), strokes, cell.label(shown, size, fill=ink))


def _number(entry: Any, most: float, cell: _Cell) -> str:
    """One number, the stronger the larger."""
    value = float(entry)
    if value == 0:
        return _empty(cell)
    exact = str(sympy.sympify(entry)).replace("-", "−")
    shown = exact if len(exact) <= 4 else f"{value:.2f}".replace("-", "−")
    size = min(0.5 * cell.side, 1.4 * cell.side / len(shown))
    strength = 0.35 + 0.65 * abs(value) / most
    ink = "#ffffff" if strength > 0.75 else "currentColor"
    shape = cell.shape("#0072b2" if value > 0 else "#b34700", strength)
    return element("g", element("title", exact), shape, cell.label(shown, size, fill=ink))


def _empty(cell: _Cell) -> str:
    return cell.shape("none") + cell.label("·", cell.side / 2, opacity="0.6")


def _position(letters: str) -> int:
    """The number of a weight, from its letters: a, b, ..., z, aa, ..."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 96
    return number - 1
