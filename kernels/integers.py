"""Integers as people give them: anything with ``__index__``, NumPy's too, but no booleans and no floats."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np  # noqa: F401  (the examples use it)
from jax import export

from kernels.errors import KernelError, ShapeError, WindowError, brief

Ints = int | Sequence[int]


def index(value: object) -> int | None:
    """The integer that a value is; None where it is none.

    >>> index(np.int8(3)), index(True), index(3.0)
    (3, None, None)
    """
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def positive(name: str, value: object, kind: type[KernelError] = WindowError) -> int:
    """One positive integer, or an error of the given kind."""
    number = index(value)
    if number is None or number < 1:
        raise kind(name, "must be a positive integer", brief(value), "give 1 or more")
    return number


def per_axis(name: str, value: Ints, rank: int, kind: type[KernelError] = WindowError) -> tuple[int, ...]:
    """One positive integer for all axes, or one each."""
    values = sequence(value)
    if values is None:
        return (positive(name, value, kind),) * rank
    if len(values) != rank:
        raise kind(
            name,
            f"must have one entry per spatial axis ({rank})",
            values,
            f"give an integer or {rank} of them",
        )
    return tuple(positive(name, v, kind) for v in values)


def sizes(name: str, values: Any, remedy: str, least: int = 0) -> tuple[Any, ...]:
    """The sizes of a shape; those that ``jax.export`` leaves open may be symbols."""
    given = sequence(values)
    shape = [n if export.is_symbolic_dim(n) else index(n) for n in given or ()]
    if given is None or any(n is None or (isinstance(n, int) and n < least) for n in shape):
        sign = "positive" if least else "non-negative"
        raise ShapeError(name, f"must be {sign} integers", brief(values), remedy)
    return tuple(shape)


def sequence(value: Any) -> tuple[Any, ...] | None:
    """The entries of a sequence; None where it is none, as text is none here."""
    if isinstance(value, str):
        return None
    try:
        return tuple(value)
    except TypeError:
        return None
