"""Exact arrays as people give them: nested lists, integer arrays, SymPy arrays, or a name with a shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
import sympy
from sympy import Expr, IndexedBase

from derive.errors import ExactnessError, SizeError, brief

REMEDY = "give nested lists of symbols or integers, an integer array, or IndexedBase('w', shape=(3,))"


@dataclass(frozen=True)
class Table:
    """A rectangular array of expressions; `base` is set where it is a name with a shape."""

    shape: tuple[Expr, ...]
    entries: tuple[Any, ...] = ()
    base: IndexedBase | None = None

    @property
    def numeric(self) -> bool:
        return all(n.is_Integer for n in self.shape)

    def __getitem__(self, index: Sequence[Any]) -> Any:
        if self.base is not None:
            return self.base[tuple(index)]
        flat = 0
        for i, n in zip(index, self.shape, strict=True):
            flat = flat * int(n) + int(i)
        return self.entries[flat]

    def indices(self, axes: int) -> list[tuple[int, ...]]:
        """Every index of the leading axes, row by row."""
        return list(product(*(range(int(n)) for n in self.shape[:axes])))


def table(value: Any, argument: str) -> Table:
    """Read an array; floats are refused, because the answer is exact.

    >>> table([["a", 1], [2, "b"]], "kernel").shape
    (2, 2)
    """
    if isinstance(value, IndexedBase):
        if value.shape is None:
            raise SizeError(
                argument, "must have a shape", value, f"write IndexedBase({value.name!r}, shape=(3,))"
            )
        return Table(tuple(sympy.sympify(n) for n in value.shape), base=value)
    if isinstance(value, sympy.MatrixBase | sympy.NDimArray | np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise SizeError(argument, "must be an array", brief(value), REMEDY)
    shape = _shape(value, argument)
    flat = tuple(_entry(e, argument) for e in _flatten(value, len(shape)))
    if len(flat) != prod(shape):
        raise SizeError(argument, "must have rows of one length", value, "give a rectangular array")
    return Table(tuple(sympy.Integer(n) for n in shape), flat)


def _shape(value: Any, argument: str) -> tuple[int, ...]:
    shape: list[int] = []
    while isinstance(value, list | tuple):
        if not value:
            raise SizeError(argument, "must hold at least one entry per axis", value, REMEDY)
        shape.append(len(value))
        value = value[0]
    return tuple(shape)


def _flatten(value: Any, depth: int) -> list[Any]:
    if depth == 0:
        return [value]
    if not isinstance(value, list | tuple):
        return []
    return [entry for part in value for entry in _flatten(part, depth - 1)]


def _entry(value: Any, argument: str) -> Any:
    if isinstance(value, float | complex | np.inexact | sympy.Float):
        raise ExactnessError(
            argument, "must have exact entries", value, "give integers, Fractions or symbols"
        )
    if isinstance(value, str):
        if not value.isidentifier():
            raise SizeError(argument, "must have names or numbers as entries", brief(value), REMEDY)
        return sympy.Symbol(value)
    if isinstance(value, list | tuple):
        raise SizeError(argument, "must have rows of one length", value, "give a rectangular array")
    try:
        number = (
            sympy.Integer(int(value)) if isinstance(value, np.integer | np.bool_) else sympy.sympify(value)
        )
    except (sympy.SympifyError, TypeError):
        number = None
    if not isinstance(number, Expr):
        raise SizeError(argument, "must have names or numbers as entries", value, REMEDY)
    if number.has(sympy.Float):
        raise ExactnessError(argument, "must have exact entries", value, "write Rational(1, 2), not 0.5")
    return number
