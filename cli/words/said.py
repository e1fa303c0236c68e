"""A value together with the Python that makes it, so that what is run and what is printed are one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import derive as dv


@dataclass(frozen=True)
class Said:
    """A value and its code.

    `loose`: the code is a sum, which wants parentheses in a product; `parts`: the factors of a product.
    """

    value: Any
    code: str
    loose: bool = False
    parts: tuple[Said, ...] = ()

    def named(self, name: str) -> Said:
        """The same value under the name that a line of code has given it."""
        return Said(self.value, name, parts=self.parts)

    @property
    def tight(self) -> str:
        return f"({self.code})" if self.loose else self.code


def call(function: str, /, *arguments: Any, **named: Any) -> Said:
    """A function of `derive`, called; arguments are values, or such values with their code.

    >>> call("cyclic", 5).code
    'dv.cyclic(5)'
    """
    code = [code_of(a) for a in arguments] + [f"{key}={code_of(a)}" for key, a in named.items()]
    values = {key: value_of(a) for key, a in named.items()}
    value = getattr(dv, function)(*map(value_of, arguments), **values)
    return Said(value, f"dv.{function}({', '.join(code)})")


def value_of(given: Any) -> Any:
    """What stands in a call: fractions are whole numbers, or texts such as "1/2"."""
    if isinstance(given, Said):
        return given.value
    if isinstance(given, tuple):
        return tuple(map(value_of, given))
    if isinstance(given, Fraction):
        return int(given) if given.denominator == 1 else str(given)
    return given


def code_of(given: Any) -> str:
    """The code of what `value_of` gives."""
    if isinstance(given, Said):
        return given.code
    if isinstance(given, tuple):
        return "(" + ", ".join(map(code_of, given)) + ("," if len(given) == 1 else "") + ")"
    value = value_of(given)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def add(one: Said, other: Said) -> Said:
    return Said(one.value + other.value, f"{one.code} + {other.code}", loose=True)


def multiply(one: Said, other: Said) -> Said:
    parts = tuple(part for factor in (one, other) for part in (factor.parts or (factor,)))
    return Said(one.value * other.value, f"{one.tight} * {other.tight}", parts=parts)


def copies(n: int | str, one: Said) -> Said:
    """n copies."""
    return Said(n * one.value, f"{code_of(n)} * {one.tight}")


def power(one: Said, k: int) -> Said:
    base = f"({one.code})" if " * " in one.code or one.loose else one.code
    return Said(one.value**k, f"{base}**{k}")
