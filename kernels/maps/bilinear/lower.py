"""From an answer between representations, of which the input is a product, to an op of two arguments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from kernels.errors import ShapeError, brief
from kernels.maps.bilinear.forms import Formed, Margins, Products, read_products
from kernels.maps.bilinear.op import BilinearOp, Part, Side, steps
from kernels.maps.forms.diagonals import Diagonals
from kernels.maps.lower import form_of
from kernels.maps.op import MapsOp, Pair
from kernels.static import Static

LISTED = 1 << 16  # entries up to which maps are read one by one


def lower_bilinear(op: MapsOp, bilinear: Any) -> BilinearOp:
    """The op of two arguments whose product the input is; `bilinear`: the two, or True for those stated."""
    V, W = _factors(op.plain.x, bilinear)
    parts: list[Part] = []
    left, right = _placed(V), _placed(W)
    forms: dict[Any, Any] = {}
    for number, (pair, plain) in enumerate(zip(op.pairs, op.plain.pairs, strict=True)):
        for place, (v, u) in _within(pair, left, right):
            if pair.form is None:
                continue
            key = (plain.maps, v.piece, u.piece, v.side.copies, u.side.copies, pair.copies_out)
            if key not in forms:
                forms[key] = _form(pair, plain, v, u) or _formed(plain, v.side, u.side, op.implementation)
            parts.append(Part(v.side, u.side, number, place, forms[key]))
    return BilinearOp(op, int(V.dim), int(W.dim), tuple(parts), Static(_places(left, right)), (V, W))


def _factors(x: Any, bilinear: Any) -> tuple[Any, Any]:
    """The two representations whose product x is."""
    given = x.product if bilinear is True else bilinear
    if given is None:
        raise ShapeError(
            "bilinear",
            "needs an input that was stated as a product",
            x.name,
            "solve(V * W, U), or say which two it is of: bilinear=(V, W)",
        )
    pair = tuple(given) if isinstance(given, tuple | list) else ()
    if len(pair) != 2 or any(type(V) is not type(x) for V in pair):
        raise ShapeError(
            "bilinear", "must be True, or the two representations (V, W)", brief(given), "say bilinear=True"
        )
    if pair[0].group != x.group or pair[1].group != x.group or pair[0] * pair[1] != x:
        names = f"({pair[0].name}) * ({pair[1].name})"
        raise ShapeError("bilinear", f"must have the product {x.name} solved for", names, "give its factors")
    return pair


class _Placed(NamedTuple):
    """A block of a representation, and where it stands."""

    side: Side
    piece: Any


def _placed(V: Any) -> list[_Placed]:
    found, at = [], 0
    for copies, piece in V.blocks:
        found.append(_Placed(Side(at, int(copies), int(piece.dim)), piece))
        at += int(copies) * int(piece.dim)
    return found


def _within(
    pair: Pair, left: list[_Placed], right: list[_Placed]
) -> Iterator[tuple[int, tuple[_Placed, _Placed]]]:
    """The blocks of both factors whose products lie in the input of a pair, and after how many copies."""
    at = 0
    for v in left:
        for u in right:
            if pair.inputs.start <= at < pair.inputs.stop:
                yield (at - pair.inputs.start) // pair.dim_in, (v, u)
            at += v.side.channels * u.side.channels


def _places(left: list[_Placed], right: list[_Placed]) -> np.ndarray:
    """(C_v, C_u): the channel of the product, ordered block, copy of v, copy of u, point of v, point of u."""
    sizes = [sum(block.side.channels for block in blocks) for blocks in (left, right)]
    found, at = np.empty(sizes, dtype=np.int64), 0
    for v, _ in left:
        for u, _ in right:
            shape = (v.copies, u.copies, v.dim, u.dim)
            table = (at + np.arange(math.prod(shape))).reshape(shape).transpose(0, 2, 1, 3)
            found[v.where, u.where] = table.reshape(v.channels, u.channels)
            at += table.size
    return found


def _form(pair: Pair, plain: Any, v: _Placed, u: _Placed) -> Margins | Products | None:
    """Products or margins of both factors; None where too many entries show no structure."""
    if isinstance(pair.form, Diagonals):
        many = _axes(v.piece)
        return Margins(pair.form, many if many + _axes(u.piece) else 1)
    entries = pair.dim_in * pair.dim_out * (1 if plain.orbits is not None else pair.weights)
    if entries > LISTED:
        return None
    return read_products(plain.entries, pair.weights, (v.side.dim, u.side.dim, pair.dim_out))


def _formed(plain: Any, v: Side, u: Side, implementation: Any) -> Formed:
    """The form of one argument, made for the copies of one step."""
    copies = v.copies // steps(plain.dim_in, v.copies, u.copies) * u.copies
    return Formed(form_of(replace(plain, copies_in=copies), implementation), plain.dim_in)


def _axes(piece: Any) -> int:
    """How many factors of a product it is: those on which nothing acts are left out there."""
    return sum(not f.is_trivial for f in piece.factors)
