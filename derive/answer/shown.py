"""The tying pattern as it shows itself in notebooks and on pages: small pictures, where it is small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.answer.numbers import with_numbers
from derive.answer.off_lattice import MapAnswer
from derive.answer.on_lattice import LatticeAnswer
from derive.answer.pattern import Pattern, patterns
from derive.drawing.svg import cells_svg, figure
from derive.errors import DeriveError
from derive.lattice.problem import Problem

CELLS, PANELS = 1296, 32  # of pictures in a notebook


def pattern_figures(problem: Problem, answer: LatticeAnswer | MapAnswer) -> list[str]:
    """A <figure> per panel of the tying pattern; none where a size is open, or nothing could be seen."""
    try:
        found = one_channel_each(problem, answer)
        if not _is_small(found):
            return []
        panels = patterns(found).panels
    except DeriveError:
        return []
    return [figure(pattern_svg(panel), panel.title) for panel in panels]


def pattern_svg(panel: Pattern) -> str:
    """One panel as a picture."""
    where = f", {panel.where}" if panel.where else ""
    return cells_svg(panel.cells, panel.ties, f"weights from {panel.names[0]} to {panel.names[1]}{where}")


def one_channel_each(
    problem: Problem, answer: LatticeAnswer | MapAnswer, sizes: Mapping[str, int] | None = None
) -> LatticeAnswer | MapAnswer:
    """The answer with 1 for the channels that are symbols, and numbers for other sizes."""
    if isinstance(answer, MapAnswer):
        return answer
    one = {str(s): 1 for f in (problem.x, problem.y) for s in f.channels.free_symbols}
    numbered = with_numbers(problem, {**one, **(sizes or {})}, None)
    return LatticeAnswer(numbered) if numbered != problem else answer


def _is_small(answer: LatticeAnswer | MapAnswer) -> bool:
    """Whether all panels together hold few cells, seen before anything is listed."""
    if isinstance(answer, MapAnswer):
        shapes: list[Any] = [(p.maps.output.dim, p.maps.input.dim) for p in answer.maps.pairs]
        return len(shapes) <= PANELS and sum(a * b for a, b in shapes) <= CELLS
    many = answer.problem.classes.count()
    entries = sum(p.output.dim * p.input.dim for p in answer.pairs)
    return bool(many.is_Integer and 0 < many * entries <= CELLS and entries <= PANELS)
