"""What a copy carries: the fields of data, not what was cached, and expressions exactly as they are written.

SymPy rebuilds an expression as `func(*args)`, which would evaluate what was written with `evaluate=False`:
x = x becomes true, a sum of equal terms their double.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sympy import Add, Basic, Function, Mul, Piecewise, Pow
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Or

WRITTEN = (Relational, Piecewise, And, Or)  # evaluating these is slow, and seldom what was written
EVALUATED = (Add, Mul, Pow, Function)


class Fields:
    """A frozen dataclass whose copies and pickles hold its fields alone; cached values are found again."""

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self)}  # type: ignore[arg-type]


class Arrays(Fields):
    """The same for fields that are arrays (in a dataclass with eq=False): equal where their entries are."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        pairs = zip(self.__getstate__().values(), other.__getstate__().values(), strict=True)
        return self is other or all(_same(a, b) for a, b in pairs)

    def __hash__(self) -> int:
        return hash((type(self), *(np.shape(v) for v in self.__getstate__().values() if _is_array(v))))


class Expressions(Fields):
    """The same for fields that are expressions, which come back as they are written."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: hold(value) for name, value in super().__getstate__().items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update((name, release(value)) for name, value in state.items())


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b)) if _is_array(a) or _is_array(b) else bool(a == b)


class Node(NamedTuple):
    """One expression taken apart: the function that makes it from its parts."""

    make: Callable[..., Any]
    parts: tuple[Any, ...]


def hold(value: Any) -> Any:
    """An expression, or a tuple of them, as nodes that are pickled without being evaluated.

    >>> from sympy import Eq, Symbol
    >>> x = Symbol("x")
    >>> release(hold(Eq(x, x, evaluate=False)))
    Eq(x, x)
    """
    return _hold(value, {})


def release(value: Any) -> Any:
    """What `hold` took apart."""
    return _release(value, {})


def _hold(value: Any, seen: dict[Any, Node]) -> Any:
    if type(value) is tuple:
        return tuple(_hold(part, seen) for part in value)
    if not isinstance(value, Basic) or not value.args:
        return value
    key = (type(value), value)
    if key not in seen:
        seen[key] = Node(_maker(value), tuple(_hold(part, seen) for part in value.args))
    return seen[key]


def _release(value: Any, seen: dict[int, Any]) -> Any:
    if type(value) is tuple:
        return tuple(_release(part, seen) for part in value)
    if not isinstance(value, Node):
        return value
    if id(value) not in seen:
        seen[id(value)] = value.make(*(_release(part, seen) for part in value.parts))
    return seen[id(value)]


def _maker(expr: Basic) -> Callable[..., Any]:
    """The first way to make the expression from its parts that gives just this expression."""
    if isinstance(expr, AppliedUndef):
        return partial(_apply, expr.func.__name__)
    evaluated, written = expr.func, partial(expr.func, evaluate=False)
    ways: list[Callable[..., Any]] = [written] if isinstance(expr, WRITTEN) else [evaluated]
    ways += [written] if isinstance(expr, EVALUATED) else []
    return next((make for make in ways if make(*expr.args) == expr), partial(_bare, expr.func))


def _apply(name: str, *arguments: Any) -> Basic:
    return Function(name)(*arguments)


def _bare(kind: Any, *parts: Any) -> Basic:
    return Basic.__new__(kind, *parts)


def portable(value: object) -> object:
    """The value itself where it can be pickled and read again, else its text."""
    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # whatever a foreign object raises there
        return str(value)
    return value
