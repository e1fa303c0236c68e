"""The tying pattern: which entries share a free weight, and with which sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from derive.answer.kernel_table import grid_shape, kernel_labels, members, refuse_large
from derive.answer.off_lattice import MapAnswer
from derive.answer.on_lattice import LatticeAnswer
from derive.answer.plain import Plain, PlainBlock
from derive.answer.shown import one_channel_each, pattern_figures
from derive.drawing.svg import card
from derive.drawing.ties import letter
from derive.errors import InfiniteError, SizeError, SymbolicError, TooLargeError
from derive.lattice.problem import Problem

SHOWN = 64  # tables, and the rows and columns of a matrix, that are printed
WIDTH = 160  # characters of a line of a matrix that is printed
ENTRIES = 1 << 16  # entries of a matrix that is looked at


@dataclass(frozen=True, eq=False)
class Panel:
    """One table of a pattern: of which pieces, and on a lattice of which entry of the fibre map.

    `names`: the input piece and the output piece; `entry`: (row, column), None without a lattice; `table`:
    SymPy sums of the weights, as `Tying.table` has them; `weights`: how many are free for a pair of copies.
    """

    names: tuple[str, str]
    entry: tuple[int, int] | None
    table: np.ndarray
    weights: int


@dataclass(frozen=True)
class Tying:
    """Which entries share a free weight.

    `classes`: how many free weights there are for one pair of copies; `members`: how many pairs of sites
    share each, under translations alone; `table(row, column, block)`: one fibre entry as SymPy sums of the
    weights a, b, c, ...; printed, equal letters are equal weights, a minus is a sign and a dot is zero.
    """

    problem: Problem
    answer: LatticeAnswer | MapAnswer

    @property
    def classes(self) -> sympy.Expr:
        return sympy.Add(*(found.total for found in self.answer.found))

    @property
    def members(self) -> sympy.Expr:
        """Pairs per class on a torus: one for each translation; oo on an infinite lattice."""
        if self.problem.group.point.generators or not self.problem.axes:
            raise SizeError(
                "members",
                "are as many for every class under translations alone",
                self.problem.group,
                "use table",
            )
        sides = [axis.sides[0] for axis in self.problem.axes if axis.sides and axis.translated]
        if any(side.boundary == "zero" for side in sides):
            raise SymbolicError(
                "members",
                "differs from class to class on a window",
                "zero boundary",
                "use labels() and count",
            )
        return sympy.Mul(*(sympy.oo if s.size is None else s.size / s.step for s in sides))

    def labels(
        self, sizes: Mapping[str, int] | None = None, row: int = 0, column: int = 0, block: int = 0
    ) -> np.ndarray:
        """The free weight of every pair of a finite grid for one fibre entry, -1 for weight zero.

        The shape is (*out sites, *in sites). Where an entry is a sum of weights, it is the first of them.
        """
        listed = self._listed(sizes)
        shape = grid_shape(listed)
        refuse_large(shape)
        weights = _first_weights(listed, (listed.blocks or ())[block], row, column)
        labels = np.full(shape, -1, dtype=np.int64)
        for k, weight in enumerate(weights.tolist()):
            for pair in members(listed, k) if weight >= 0 else ():
                labels[pair] = weight
        return labels

    def _listed(self, sizes: Mapping[str, int] | None = None) -> Plain:
        found = one_channel_each(self.problem, self.answer, sizes)
        if isinstance(found, MapAnswer):
            raise SizeError("tying", "has sites only on a lattice", found.name, "use table")
        return found.listed

    def table(self, row: int = 0, column: int = 0, block: int = 0) -> np.ndarray:
        """The weights at every displacement, as in `basis[k].dense()`, for one fibre entry of a pair.

        Without a lattice, the whole matrix of a pair of blocks.
        """
        if isinstance(self.answer, MapAnswer):
            return _matrix(self.answer, block)
        listed = self._listed()
        return _table(listed, (listed.blocks or ())[block], row, column)

    def panels(self, sizes: Mapping[str, int] | None = None) -> Iterator[Panel]:
        """All tables that hold a weight, one pair of pieces after the other; `sizes` are numbers for symbols.

        >>> import derive as dv
        >>> G = dv.cyclic(3)
        >>> [panel.table.tolist() for panel in dv.solve(dv.defining(G), dv.trivial(G)).tying.panels()]
        [[[a, a, a]]]
        """
        if isinstance(self.answer, MapAnswer):
            for k, found in enumerate(self.answer.maps.pairs):
                names = found.maps.input.name, found.maps.output.name
                if found.maps.dim:
                    yield Panel(names, None, _matrix(self.answer, k), int(found.maps.dim))
            return
        listed = self._listed(sizes)
        for pair, block in zip(self.answer.pairs, listed.blocks or (), strict=True):
            entries = sorted(set(zip(block.row.tolist(), block.column.tolist(), strict=True)))
            for row, column in entries:
                names = pair.input.name, pair.output.name
                yield Panel(names, (row, column), _table(listed, block, row, column), block.weights)

    def __repr__(self) -> str:
        return f"Tying({self.answer.name}: {_weights(self.answer.dim)})"

    def _repr_html_(self) -> str:
        """Cells that share a weight in one colour and letter; blocks of fibres have letters of their own."""
        figures = pattern_figures(self.problem, self.answer)
        return card(repr(self), [], figures or ["<p>Too large or too open to draw: see str and labels.</p>"])

    def __str__(self) -> str:
        try:
            if isinstance(self.answer, MapAnswer):
                return "\n".join(_matrices(self.answer))
            return "\n".join(_tables(self.answer, self._listed()))
        except (SymbolicError, InfiniteError, TooLargeError):
            return f"{self.classes} classes of site pairs"


def _matrices(answer: MapAnswer) -> list[str]:
    """The pattern of every pair of blocks that is small enough to print."""
    parts = []
    for k, pair in enumerate(answer.maps.pairs[:SHOWN]):
        copies = pair.copies_out * pair.copies_in
        title = _title(pair.maps.input.name, pair.maps.output.name, pair.maps.dim, copies)
        pattern = _show(_matrix(answer, k), "") if max(pair.maps.shape) <= SHOWN else ""
        narrow = len(pattern) > 0 and len(pattern.partition("\n")[0]) <= WIDTH
        parts.append("\n".join([title, *([pattern] if narrow else [])]))
    return parts


def _tables(answer: LatticeAnswer, listed: Plain) -> list[str]:
    """The pattern of every fibre entry of every pair of blocks."""
    parts = []
    alone = not answer.problem.group.point.generators and len(answer.pairs) == 1
    for k, (pair, block) in enumerate(zip(answer.pairs, listed.blocks or (), strict=True)):
        copies = block.copies_out * block.copies_in
        title = [] if alone else [_title(pair.input.name, pair.output.name, block.weights, copies)]
        tables = [
            _show(_table(listed, block, i, c), f"[{i},{c}] " if block.dim_out * block.dim_in > 1 else "")
            for i in range(block.dim_out)
            for c in range(block.dim_in)
            if np.any((block.row == i) & (block.column == c))
        ]
        parts.append("\n".join([*title, *tables[:SHOWN]]) if k < SHOWN else "".join(title))
    return parts


def _title(x: str, y: str, weights: Any, copies: Any) -> str:
    return f"{x} -> {y}: {_weights(weights)}" + ("" if copies == 1 else " per pair of copies")


def _weights(number: Any) -> str:
    return f"{number} free weight" + ("" if number == 1 else "s")


def _first_weights(listed: Plain, block: PlainBlock, row: int, column: int) -> np.ndarray:
    """The first weight of one fibre entry at every class, -1 where there is none."""
    found = np.full(len(listed.out_site), -1, dtype=np.int64)
    chosen = np.flatnonzero((block.row == row) & (block.column == column))[::-1]
    found[block.site[chosen]] = block.weight[chosen]
    return found


def _table(listed: Plain, block: PlainBlock, row: int, column: int) -> np.ndarray:
    labels = kernel_labels(listed)
    classes = np.zeros(len(listed.out_site), dtype=object)
    chosen = (block.row == row) & (block.column == column)
    for weight, site, value in zip(
        block.weight[chosen], block.site[chosen], block.value[chosen], strict=True
    ):
        classes[site] += _times(value, int(weight))
    padded = np.concatenate([classes, np.zeros(1, dtype=object)])
    return padded[labels]


def _matrix(answer: MapAnswer, block: int) -> np.ndarray:
    """The maps between two pieces, each times its letter."""
    maps = answer.maps.pairs[block].maps
    entries = maps.shape[0] * maps.shape[1]
    if entries > ENTRIES:
        raise TooLargeError(
            "table", f"must hold at most {ENTRIES:,} entries", f"{entries:,}", "ask for elements"
        )
    matrix = np.zeros(maps.shape, dtype=object)
    for k in range(maps.dim):
        element = maps.element(k)
        for r, c, value in zip(element.rows, element.columns, element.values, strict=True):
            matrix[r, c] += _times(value, k)
    return matrix


def _times(value: Any, weight: int) -> sympy.Expr:
    factor = int(value) if isinstance(value, int | np.integer) else value
    return factor * sympy.Symbol(letter(weight))


def _show(table: np.ndarray, title: str) -> str:
    rows = np.atleast_2d(table)
    text = [[str(v) if v != 0 else "." for v in line] for line in rows.reshape(-1, rows.shape[-1])]
    widths = [max(map(len, column)) for column in zip(*text, strict=True)]
    if len(widths) * (max(widths) + 1) < WIDTH:
        widths = [max(widths)] * len(widths)
    body = ["  " + " ".join(e.rjust(n) for e, n in zip(line, widths, strict=True)) for line in text]
    return "\n".join(([title.rstrip()] if title else []) + body)
