"""The tying pattern as cells: for every pair of blocks, fibre entry and phase, which taps share a weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derive.answer.off_lattice import MapAnswer
from derive.answer.on_lattice import LatticeAnswer
from derive.answer.plain import PlainBlock
from derive.answer.taps import read_taps
from derive.drawing.geometry import Cells, matrix_cells
from derive.drawing.ties import Ties, group, require_cells


@dataclass(frozen=True, eq=False)
class Pattern:
    """Cells, and what stands in each: one entry of the maps of one pair of pieces, at one phase.

    `names`: the input piece and the output piece; `where`: which entry and phase, in words; `weights`: how
    many are free for a pair of copies; `alone`: whether there are no other pieces.
    """

    names: tuple[str, str]
    where: str
    weights: int
    alone: bool
    cells: Cells
    ties: Ties

    @property
    def title(self) -> str:
        """Which one it is, as briefly as that can be said."""
        pieces = "" if self.alone else " → ".join(self.names)
        return f"{pieces} {self.where}".strip()


@dataclass(frozen=True, eq=False)
class Patterns:
    """The panels of one answer, for one pair of copies of each pair of blocks; `directions`: how axes lie."""

    panels: tuple[Pattern, ...]
    directions: str = ""


def patterns(answer: LatticeAnswer | MapAnswer) -> Patterns:
    """What a tying pattern shows: kernels on a lattice, matrices without one."""
    return _of_maps(answer) if isinstance(answer, MapAnswer) else _of_kernels(answer)


def _of_maps(answer: MapAnswer) -> Patterns:
    panels, start = [], 0
    for pair in answer.maps.pairs:
        maps = pair.maps
        require_cells(maps.shape)
        elements = [maps.element(k) for k in range(maps.dim)]
        place = [e.rows * maps.shape[1] + e.columns for e in elements]
        weight = [np.full(len(e.rows), start + k) for k, e in enumerate(elements)]
        ties = group(maps.shape, *(_joined(part) for part in (place, weight, [e.values for e in elements])))
        flat = replace(ties, labels=ties.labels.reshape(-1), signs=ties.signs.reshape(-1))
        names, alone = (maps.input.name, maps.output.name), len(answer.maps.pairs) == 1
        panels.append(Pattern(names, "", int(maps.dim), alone, matrix_cells(*maps.shape), flat))
        start += maps.dim
    return Patterns(_one_palette(panels))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _one_palette(panels: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """Classes of different panels are different: they are numbered through."""
    names = tuple(name for panel in panels for name in panel.ties.names)
    terms = tuple(sums for panel in panels for sums in panel.ties.terms)
    found, start = [], 0
    for panel in panels:
        labels = np.where(panel.ties.labels < 0, -1, panel.ties.labels + start)
        found.append(replace(panel, ties=Ties(labels, panel.ties.signs, names, terms)))
        start += panel.ties.classes
    return tuple(found)


def _of_kernels(answer: LatticeAnswer) -> Patterns:
    listed = answer.listed
    blocks = listed.blocks or ()
    taps = read_taps(listed, answer.problem.group.metric)
    many = len(taps.phases)
    shape = (len(blocks), max(b.dim_out for b in blocks), max(b.dim_in for b in blocks), many)
    ties = _block_ties(blocks, shape)
    keys = [
        (k, i, c, phase)
        for k, block in enumerate(blocks)
        for i in range(block.dim_out)
        for c in range(block.dim_in)
        for phase in taps.kinds
    ]
    panels = []
    for k, i, c, phase in keys:
        classes = taps.of(phase)
        part = ties.at((k, i, c, classes))
        if (part.labels >= 0).any():
            panels.append(_pattern(answer, k, _where(answer, k, (i, c), phase), taps.chosen(classes), part))
    empty = _pattern(answer, 0, "", taps.cells, ties.at((0, 0, 0)))  # all taps are zero
    return Patterns(tuple(panels) or (empty,), taps.directions)


def _block_ties(blocks: Sequence[PlainBlock], shape: tuple[int, ...]) -> Ties:
    """(block, row, column, class): weights numbered through the blocks, copies left out."""
    starts = np.cumsum([0, *(b.weights for b in blocks)])
    index = [(0 * b.row + k, b.row, b.column, b.site) for k, b in enumerate(blocks)]
    place = np.ravel_multi_index(tuple(_joined(part) for part in zip(*index, strict=True)), shape)
    weight = _joined([b.weight + start for b, start in zip(blocks, starts, strict=False)])
    return group(shape, place, weight, _joined([b.value for b in blocks]))


def _pattern(answer: LatticeAnswer, k: int, where: str, cells: Cells, ties: Ties) -> Pattern:
    pair, weights = answer.pairs[k], (answer.listed.blocks or ())[k].weights
    return Pattern((pair.input.name, pair.output.name), where, weights, len(answer.pairs) == 1, cells, ties)


def _where(answer: LatticeAnswer, k: int, entry: tuple[int, int], phase: Any) -> str:
    pair = answer.pairs[k]
    words = [f"[{entry[0]},{entry[1]}]"] if pair.output.dim * pair.input.dim > 1 else []
    words += [f"site {', '.join(map(str, phase))}"] if phase else []
    return " ".join(words)
