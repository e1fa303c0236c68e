"""The exact basis of all solutions, one element per free weight."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sympy

from derive.errors import InfiniteError


class Answer(Protocol):
    """What has a basis: elements by number."""

    @property
    def name(self) -> str:
        """What is mapped to what."""

    @property
    def dim(self) -> Any:
        """How many there are."""

    @property
    def listed_dim(self) -> int:
        """How many are listed."""

    def element(self, k: int) -> Any:
        """Number k."""


@dataclass(frozen=True)
class Basis(Sequence):
    """`dim` elements: by pair of blocks, then weight, then input copy, the output copy running fastest.

    `basis[k].dense()` is an exact array: (i, c) without a lattice, K[i, c, *displacements] on an infinite
    one, (i, *out grid, c, *in grid) on grids.
    """

    answer: Answer

    def __repr__(self) -> str:
        return f"Basis({self.answer.name}: {self.answer.dim} elements)"

    def __len__(self) -> int:
        if self.answer.dim is sympy.oo:
            remedy = "give a support such as box(1), or a grid"
            raise InfiniteError("support", "must leave finitely many weights to list them", None, remedy)
        return self.answer.listed_dim

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[j] for j in range(*index.indices(len(self))))
        at = operator.index(index)
        if not -len(self) <= at < len(self):
            raise IndexError(f"basis index {at} out of range for dimension {len(self)}")
        return self.answer.element(at % len(self))
