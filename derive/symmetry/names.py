"""The names that equations use, which are not available for the user's own sizes."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from keyword import iskeyword
from typing import Any

import sympy

from derive.errors import SizeError, brief

# Channels, components; sites u, v, w, shifts s_u, phases r_u, displacements du; the same with primes.
INDEX = re.compile(r"(i|j|c|alpha|beta|(s_|r_|d)?([uvw]|u\d+))'*")
TENSORS = frozenset(("A", "K", "b", "x", "y", "T", "T_s", "dim", "bias_dim"))
NUMBERS = frozenset(("E", "I", "pi", "oo", "zoo", "nan"))
FUNCTIONS = frozenset(
    ("Abs", "Max", "Min", "Mod", "Sum", "ceiling", "cos", "exp", "floor", "gcd", "mod", "sign", "sin", "sqrt")
)


def is_index(name: str) -> bool:
    """Whether equations have an index of this name."""
    return INDEX.fullmatch(name) is not None


def is_taken(name: str) -> bool:
    """Whether a name means something else: in the notation, in SymPy or in Python.

    >>> [name for name in ("C", "N", "k", "u", "s_u", "K", "pi", "lambda") if is_taken(name)]
    ['u', 's_u', 'K', 'pi', 'lambda']
    """
    return is_index(name) or name in TENSORS or means_something(name)


def means_something(name: str) -> bool:
    """Whether SymPy or Python reads the name as a number, a function or a keyword."""
    return name in NUMBERS or name in FUNCTIONS or iskeyword(name)


def require_free(names: Iterable[str], argument: str, more: Container[str] = ()) -> None:
    """Refuse the names that equations use themselves; `more` are those of some equations only."""
    for name in sorted(names):
        if is_taken(name) or name in more:
            what = "the equations use" if not means_something(name) else "SymPy and Python use"
            remedy = f"use another one, such as 'n_{name.rstrip(chr(39))}'"
            raise SizeError(
                argument, f"must be a name that is free, not one that {what}", brief(name), remedy
            )


def require_one_symbol_each(symbols: Iterable[sympy.Symbol], argument: str = "sizes") -> None:
    """One name is one symbol: refuse symbols of one name that SymPy takes for different ones."""
    seen: dict[str, sympy.Symbol] = {}
    for symbol in sorted(symbols, key=sympy.srepr):
        other = seen.setdefault(symbol.name, symbol)
        if other != symbol:
            raise SizeError(
                argument,
                "must have one symbol of each name",
                f"{sympy.srepr(other)} and {sympy.srepr(symbol)}",
                f"give '{symbol.name}' or one and the same Symbol everywhere",
            )


def names_in(*options: Any) -> set[str]:
    """Every name that options hold: words, symbols of expressions, and lists of them.

    >>> sorted(names_in("s", [("a", 1)], 2 * sympy.Symbol("k")))
    ['a', 'k', 's']
    """
    found: set[str] = set()
    for option in options:
        if isinstance(option, str):
            found.add(option)
        elif isinstance(option, sympy.Basic):
            found |= {s.name for s in option.free_symbols}
        elif isinstance(option, Iterable):
            found |= names_in(*option)
    return found


def fresh(preferred: str, taken: Container[str]) -> str:
    """The name, lengthened while it is taken.

    >>> fresh("C", {"C", "C_0"})
    'C_0_0'
    """
    while preferred in taken:
        preferred += "_0"
    return preferred
