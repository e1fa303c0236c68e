"""Trained weights under a subgroup: the same operator in the basis that the subgroup permits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import derive
from derive.answer.embedding import BasisBlock, sparse_embedding

_NONE = (np.zeros(0, int), np.zeros(0, int), np.zeros(0))


def restricted_weights(
    solution: Any, subgroup: derive.Group, params: Any
) -> tuple[Any, list[jax.Array], list[jax.Array]]:
    """The solution of a subgroup, and the weights and biases of the same operator: w_there = E w_here."""
    found = solution.restricted(subgroup)
    weight = _carried(solution.answer.basis_blocks, found.answer.basis_blocks, params["weight"])
    if not solution.problem.bias:
        return found, weight, []
    own, other = solution.bias_answer.basis_blocks, found.bias_answer.basis_blocks
    return found, weight, _carried(own, other, params.get("bias", ()))


def _carried(
    here: Sequence[BasisBlock], there: Sequence[BasisBlock], parts: Sequence[jax.Array]
) -> list[jax.Array]:
    """E w, in the shapes of the larger space: one array for every pair of its blocks."""
    entries = sparse_embedding(here, there)
    found = [(i, j, float(value)) for i, row in entries.items() for j, value in row.items()]
    rows, columns, values = (np.array(list(part)) for part in zip(*found, strict=True)) if found else _NONE
    flat = [jnp.ravel(part) for part in parts]
    kind = jnp.result_type(*flat) if flat else jnp.dtype(jnp.float32)
    w = jnp.concatenate(flat) if flat else jnp.zeros(0, kind)
    size = sum(block.size for block in there)
    full = jnp.zeros(size, kind).at[rows].add(jnp.asarray(values, kind) * w[columns])
    shapes = [(block.columns.count, block.copies_in, block.copies_out) for block in there]
    ends = np.cumsum([block.size for block in there])[:-1].tolist()
    return [part.reshape(shape) for part, shape in zip(jnp.split(full, ends), shapes, strict=True)]
