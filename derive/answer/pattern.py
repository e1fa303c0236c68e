"""The tying pattern of a kernel with fibres: which entries share a free weight, and with which sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from derive.answer.fibred import FibredAnswer
from derive.answer.plain import Plain, PlainBlock
from derive.answer.tying import kernel_labels, letter

SHOWN = 64


@dataclass(frozen=True)
class FibredTying:
    """Which entries of the kernel share a free weight.

    `classes`: how many free weights there are; `table(row, column)`: one fibre entry of the kernel, as SymPy
    sums of the weights a, b, c, ...; printed, every nonzero fibre entry is a table of signed letters.
    """

    answer: FibredAnswer

    @property
    def classes(self) -> Any:
        return self.answer.dim

    def table(self, row: int = 0, column: int = 0, block: int = 0) -> np.ndarray:
        """The weights at every displacement, as in `basis[k].dense()`, for one fibre entry of a pair."""
        listed = self.answer.listed
        return _table(listed, (listed.blocks or ())[block], row, column)

    def __str__(self) -> str:
        listed = self.answer.listed
        parts = []
        for k, (pair, block) in enumerate(zip(self.answer.pairs, listed.blocks or (), strict=True)):
            title = (
                f"{pair.input.name} -> {pair.output.name}: {block.weights} free weights per pair of copies"
            )
            tables = [
                _show(_table(listed, block, i, c), f"[{i},{c}] " if block.dim_out * block.dim_in > 1 else "")
                for i in range(block.dim_out)
                for c in range(block.dim_in)
                if np.any((block.row == i) & (block.column == c))
            ]
            parts.append("\n".join([title, *tables[:SHOWN]]) if k < SHOWN else title)
        return "\n".join(parts)


def _table(listed: Plain, block: PlainBlock, row: int, column: int) -> np.ndarray:
    labels = kernel_labels(listed)
    classes = np.zeros(len(listed.out_site), dtype=object)
    chosen = (block.row == row) & (block.column == column)
    for weight, site, value in zip(
        block.weight[chosen], block.site[chosen], block.value[chosen], strict=True
    ):
        factor = int(value) if isinstance(value, int | np.integer) else value
        classes[site] += factor * sympy.Symbol(letter(int(weight)))
    padded = np.concatenate([classes, np.zeros(1, dtype=object)])
    return padded[labels]


def _show(table: np.ndarray, title: str) -> str:
    rows = np.atleast_2d(table)
    text = [[str(v) if v != 0 else "." for v in line] for line in rows.reshape(-1, rows.shape[-1])]
    width = max(len(entry) for line in text for entry in line)
    body = ["  " + " ".join(entry.rjust(width) for entry in line) for line in text]
    return "\n".join(([title.rstrip()] if title else []) + body)
