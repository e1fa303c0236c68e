"""Ops on points written out in float64 from the exact kernels, monomial by monomial: the oracle of the op."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.errors import ShapeError

ENTRIES = 1 << 27  # of a matrix of float64 that is written out at all: one gigabyte


def kernels_of(
    plain: Any, radial: Any, factors: Sequence[np.ndarray], w: Sequence[Any], d: Any
) -> np.ndarray:
    """K(d): (edges, C_out, C_in)."""
    d = np.asarray(d, np.float64)
    with jax.enable_x64(True):
        rings = np.asarray(radial.of_square(jnp.asarray((d * d).sum(axis=1))), np.float64)
    full = np.zeros((len(d), plain.channels_out, plain.channels_in))
    for pair, part, factor in zip(plain.polynomial_pairs, w, factors, strict=True):
        known = pair.polynomials
        values = np.zeros((len(d), len(known.degrees), known.dim_out, known.dim_in))
        monomials = np.prod(d[:, None, :] ** known.exponents, axis=2) * known.value
        np.add.at(values.transpose(1, 2, 3, 0), (known.kernel, known.row, known.column), monomials.T)
        weights = np.asarray(part, np.float64) / factor[:, None, None, None]
        mixed = np.einsum("ek,bkco->ebco", rings, weights)
        block = np.einsum("ebco,ebij->eoicj", mixed, values)
        rows = slice(pair.first_out, pair.first_out + pair.copies_out * known.dim_out)
        columns = slice(pair.first_in, pair.first_in + pair.copies_in * known.dim_in)
        full[:, rows, columns] += block.reshape(len(d), rows.stop - rows.start, columns.stop - columns.start)
    return full


def written(K: np.ndarray, senders: Any, receivers: Any, sending: int, nodes: int) -> np.ndarray:
    """The sum over edges as a matrix: (nodes * C_out, sending * C_in); edges of padding add nothing."""
    _, out, into = K.shape
    if nodes * out * sending * into > ENTRIES:
        rule = f"must have at most {ENTRIES:,} entries to be written out"
        shown = f"{nodes * out:,} x {sending * into:,}"
        raise ShapeError("dense", rule, shown, "write out a smaller graph")
    s, r = np.asarray(senders, int), np.asarray(receivers, int)
    kept = (s < sending) & (r < nodes)
    full = np.zeros((nodes, sending, out, into))
    np.add.at(full, (r[kept], s[kept]), K[kept])
    return full.transpose(0, 2, 1, 3).reshape(nodes * out, sending * into)
