"""Small pictures for a terminal: how a symmetry ties a 3 x 3 kernel, or what its generators are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy

import derive as dv
from derive.symmetry.monomial import Monomial

GENERATORS = 4  # shown of a group that is given by matrices


def beside(blocks: Sequence[Sequence[str]], gap: str = "   ") -> list[str]:
    """Blocks of lines next to each other.

    >>> beside([["a b", "c d"], ["e"]])
    ['a b   e', 'c d']
    """
    height = max((len(block) for block in blocks), default=0)
    widths = [max(map(len, block), default=0) for block in blocks]
    rows = [
        [(block[i] if i < len(block) else "").ljust(w) for block, w in zip(blocks, widths, strict=True)]
        for i in range(height)
    ]
    return [gap.join(row).rstrip() for row in rows]


def kernel_letters(solution: dv.Solution, shear: int = 0) -> list[str]:
    """Every slice of the first tying table: equal letters are equal weights."""
    panel = next(solution.tying.panels(), None)
    if panel is None:
        return ["."]
    table = np.atleast_2d(panel.table)
    slices = table.reshape(-1, *table.shape[-2:])
    return beside([list(_rows(part, shear)) for part in slices])


def _rows(table: np.ndarray, shear: int) -> Iterator[str]:
    """One line per row, rows of a hexagonal lattice shifted by half a site."""
    last = len(table) - 1
    for i, row in enumerate(table):
        entries = " ".join(" " if shear and v == 0 else "." if v == 0 else str(v) for v in row)
        slide = abs(shear) * (i if shear > 0 else last - i)
        yield " " * slide + entries


def shear(group: Any) -> int:
    """+1 or -1 where the lattice axes meet at 60 or 120 degrees, 0 where they are square."""
    form = group.metric
    return (form[0][1] > 0) - (form[0][1] < 0) if len(form) == 2 else 0


def generator_letters(group: dv.Group) -> list[str]:
    """Permutations as cycles, other generators as matrices of +, - and dots."""
    if group.given_by == "permutations":
        return [
            f"{name} = {cycles(image)}"
            for name, image in zip(group.generators, group.given or (), strict=True)
        ]
    shown = group.generators[:GENERATORS]
    blocks = [_matrix(name, group.matrix(name)) for name in shown]
    more = len(group.generators) - len(shown)
    return beside(blocks + ([["", f"and {more} more"]] if more > 0 else []))


def cycles(image: Any) -> str:
    """A permutation as its cycles: (0 1 2)(3 4)."""
    found: np.ndarray = image.image if isinstance(image, Monomial) else np.asarray(image)
    seen: set[int] = set()
    parts = []
    for start in range(len(found)):
        cycle, at = [], start
        while at not in seen:
            seen.add(at)
            cycle.append(at)
            at = int(found[at])
        if len(cycle) > 1:
            parts.append("(" + " ".join(map(str, cycle)) + ")")
    return "".join(parts) or "()"


def _matrix(name: str, matrix: sympy.MatrixBase) -> list[str]:
    """A name and the signs of a matrix."""
    rows = [
        " ".join("." if v == 0 else "+" if v > 0 else "-" for v in matrix.row(i)) for i in range(matrix.rows)
    ]
    return [f"{name:<3} {rows[0]}", *(f"    {row}" for row in rows[1:])]
