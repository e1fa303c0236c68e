"""Ops without a lattice as text: their matrix, entry by entry, from the exact basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kernels.lattice.weights import Block
from kernels.source import BLOCK, Tables, blocks_text, function, joined, layer_says, shapes_text
from kernels.static import Static


def maps_source(op: Any, limit: int) -> str:
    """The text of an op of one argument: a product with its matrix."""
    tables = Tables(limit)
    functions, bias = _functions(op, tables)
    lines = ["y = x @ matrix(w)", *bias, "return y"]
    says = layer_says(op, ("batch...", op.channels_in), ("batch...", op.channels_out))
    return joined(op.name, tables, [*functions, function("layer(w, x, b=None)", says, lines)], op.precision)


def bilinear_source(op: Any, limit: int) -> str:
    """The text of an op of two arguments: the matrix on their product, as a tensor of the two."""
    tables = Tables(limit)
    functions, bias = _functions(op.linear, tables)
    places = op.places.array
    tensor = "matrix(w)"
    if not (places.reshape(-1) == np.arange(places.size)).all():
        tensor += f"[{tables.name('CHANNEL', places.reshape(-1))}]"
    shape = (*places.shape, op.channels_out)
    product = f'y = jnp.einsum("...c,...d,cdi->...i", v, u, {tensor}.reshape{shape})'
    into = [f"(batch..., {n})" for n in (op.channels_v, op.channels_u, op.channels_out)]
    b = f", b {shapes_text(op.bias_shapes)}" if op.bias_dim else ""
    says = f"w {shapes_text(op.weight_shapes)}, v {into[0]}, u {into[1]}{b} -> {into[2]}."
    layer = function("layer(w, v, u, b=None)", says, [product, *bias, "return y"])
    return joined(op.name, tables, [*functions, layer], op.precision)


def _functions(op: Any, tables: Tables) -> tuple[list[str], list[str]]:
    """Functions of the matrix and of the biases, and the statements that add these."""
    channels = (op.channels_in, op.channels_out)
    lines = blocks_text(tables, _blocks(op.pairs, op.plain.pairs, tables), 1, channels, "w")
    functions = [BLOCK, function("matrix(w)", "The matrix, (C_in, C_out).", [*lines, "return full[0]"])]
    if not op.bias_dim:
        return functions, []
    blocks = _blocks(op.bias_pairs, op.plain.bias_pairs, tables)
    lines = blocks_text(tables, blocks, 1, (1, op.channels_out), "b")
    functions.append(
        function("biases(b)", "Free biases to those of all channels.", [*lines, "return full[0, 0]"])
    )
    return functions, ["if b is not None:", "    y = y + biases(b)"]


def _blocks(pairs: Sequence[Any], plain: Sequence[Any], tables: Tables) -> list[Block]:
    return [_block(pair, entries, tables) for pair, entries in zip(pairs, plain, strict=True)]


def _block(pair: Any, plain: Any, tables: Tables) -> Block:
    """The entries of a pair of blocks, counted before they are listed."""
    tables.check(pair.weights)
    tables.check(sum(plain.maps.size(k) for k in range(pair.weights)))
    listed = [
        (np.full(len(row), k), row, column, value) for k, (row, column, value) in enumerate(plain.elements)
    ]
    empty = [np.zeros(0, int)] * 3 + [np.zeros(0)]
    weight, row, column, value = (np.concatenate(c) for c in zip(empty, *listed, strict=True))
    entries = (weight, np.zeros_like(weight), row, column, value)
    place = (pair.copies_in, pair.copies_out, pair.first_in, pair.first_out, pair.dim_in, pair.dim_out)
    return Block(*place, pair.weights, *map(Static, entries))
