"""Numbers for the symbols of a solution, from sizes by name or from numbers of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy

from derive.answer.plain_copies import with_copies
from derive.errors import SizeError, SymbolicError
from derive.lattice.presumptions import holds
from derive.lattice.problem import Problem, symbols_of, with_sizes
from derive.symmetry.sizes import read_channels, read_sizes, size


def with_numbers(
    problem: Problem, sizes: Mapping[str, int] | None, channels: Sequence[int] | None
) -> Problem:
    """The same problem with a number for every symbol; `channels`: of the input and of the output.

    Grids may stay open where translations and the support bound the weights. Raises SymbolicError naming a
    size that is missing, SizeError where numbers do not agree with the fields.
    """
    if not problem.axes:
        fibres = with_copies(problem.x.fibre, problem.y.fibre, sizes, channels)
        x, y = (f.replace(fibre=V) for f, V in zip((problem.x, problem.y), fibres, strict=True))
        return replace(problem, x=x, y=y)
    known = known_sizes(problem, sizes, channels)
    symbols = {s: known[s.name] for s in symbols_of(problem) if s.name in known}
    found = with_sizes(problem, symbols) if symbols else problem
    require_numbers(found)
    return found


def require_numbers(problem: Problem) -> None:
    """Refuse symbols for sizes that bound the answer."""
    missing = sorted(s.name for s in symbols_of(problem) - _open_sizes(problem))
    if missing:
        raise SymbolicError(
            "sizes", "must give a number for every symbol", missing, f"give sizes={{{missing[0]!r}: 8}}"
        )


def _open_sizes(problem: Problem) -> set[Any]:
    """Symbols for grids that need no number."""
    opened = problem.classes.opened()
    closed = [side.size for axis in opened.axes for side in axis.sides if side.size is not None]
    grids = [side.size for axis in problem.axes for side in axis.sides if side.size is not None]
    needed = set().union(*(n.free_symbols for n in closed), problem.x.channels.free_symbols)
    needed |= problem.y.channels.free_symbols
    spans = problem.support.spans or () if problem.support is not None else ()
    needed |= {symbol for span in spans if span is not None for symbol in span.radius.free_symbols}
    return set().union(*(n.free_symbols for n in grids)) - needed


def _radii(problem: Problem) -> set[sympy.Symbol]:
    """The symbols that are radii and nothing else."""
    spans = problem.support.spans or () if problem.support is not None else ()
    radii = {span.radius for span in spans if span is not None and span.radius.is_Symbol}
    sizes = [side.size for axis in problem.axes for side in axis.sides if side.size is not None]
    others = set().union(*(n.free_symbols for n in (*sizes, problem.x.channels, problem.y.channels)))
    return radii - others


def known_sizes(
    problem: Problem, sizes: Mapping[str, int] | None, channels: Sequence[int] | None
) -> dict[str, int]:
    """The numbers by name, held to what a field accepts."""
    known = read_sizes(sizes, symbols_of(problem), _radii(problem))
    channels = read_channels(channels)
    fields = (problem.x.channels, problem.y.channels)
    for field, n in zip(fields, channels or fields, strict=True):
        given = size(n, "channels")
        if field.is_Symbol and given.is_Integer and known.setdefault(field.name, int(given)) == given:
            continue
        if channels is not None and field != given:
            raise SizeError(
                "channels", f"must agree with the fields, {fields[0]} to {fields[1]}", channels, "omit it"
            )
    for field_ in (problem.x, problem.y):
        field_.require_sizes(known)
    for relation in problem.classes.assumptions():
        if not holds(relation, known):
            raise SizeError("sizes", f"must satisfy {relation}", dict(known), "give other sizes")
    return known
