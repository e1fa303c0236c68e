"""Numbers for the symbolic copies of representations, from sizes or from numbers of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from derive.errors import SizeError, SymbolicError
from derive.symmetry.representation import Representation, from_blocks, stated
from derive.symmetry.sizes import read_channels, read_sizes


def with_copies(
    x: Representation, y: Representation, sizes: Mapping[str, int] | None, channels: Sequence[int] | None
) -> tuple[Representation, Representation]:
    """Both representations with numbers for their symbolic copies."""
    symbols = {s for V in (x, y) for s in sympy.sympify(V.dim).free_symbols}
    known, channels = read_sizes(sizes, symbols), read_channels(channels)
    if channels is not None:
        for V, n in zip((x, y), channels, strict=True):
            known.update(_symbol_for(V, n, known))
    return _put(x, known), _put(y, known)


def _symbol_for(V: Representation, channels: Any, known: Mapping[str, int]) -> dict[str, int]:
    """The one unknown symbol of V's dimension, from the number of channels."""
    total = sympy.sympify(V.dim).subs(
        {s: known[s.name] for s in sympy.sympify(V.dim).free_symbols if s.name in known}
    )
    if total == channels:
        return {}
    left = sorted(total.free_symbols, key=str)
    found = sympy.solve(total - channels, left[0]) if len(left) == 1 else []
    if len(found) != 1 or not found[0].is_Integer or found[0] <= 0:
        raise SizeError("channels", f"must agree with the dimension {total} of {V.name}", channels, "omit it")
    return {left[0].name: int(found[0])}


def _put(V: Representation, known: Mapping[str, int]) -> Representation:
    blocks = []
    for copies, piece in V.blocks:
        symbols = sympy.sympify(copies).free_symbols
        n = sympy.sympify(copies).subs({s: known[s.name] for s in symbols if s.name in known})
        if not n.is_Integer:
            raise SymbolicError(
                "copies", "need numbers to be lowered", f"{n} copies of {piece.name}", "give sizes={...}"
            )
        if n <= 0:
            raise SizeError("copies", "must be positive", n, "give 1 or more")
        blocks.append((int(n), piece))
    found = from_blocks(V.group, blocks)
    return (
        found if V.product is None else stated(found, (_put(V.product[0], known), _put(V.product[1], known)))
    )
