"""Products with constant sparse matrices against dense ones, in every way that they are computed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kernels.sparse import SparseMatrix, reorder, sparse_matrix, times


def _random(rows: int, columns: int, many: int) -> SparseMatrix:
    rng = np.random.default_rng(rows)
    places = rng.integers(rows, size=many), rng.integers(columns, size=many)
    return sparse_matrix(*places, rng.normal(size=many), (rows, columns))


CASES = {
    "nothing": sparse_matrix([], [], [], (3, 4)),
    "one entry in a row": sparse_matrix([0, 2, 4], [3, 3, 1], [1, -2, 3], (5, 4)),
    "written out": _random(6, 4, 20),
    "padded": _random(300, 400, 900),
    "one long row": sparse_matrix(
        np.arange(600) // 2 * (np.arange(600) < 300), np.arange(600), 2, (600, 600)
    ),
    "twice at one place": sparse_matrix([1, 1], [0, 0], [2, 3], (2, 1)),
    "identity": reorder(np.arange(4)),
    "turned": reorder(np.arange(6).reshape(2, 3).T.ravel()),
    "shuffled": reorder(np.array([2, 0, 3, 1])),
}


@pytest.mark.parametrize("numbers", [3, 9])
@pytest.mark.parametrize("matrix", CASES.values(), ids=CASES)
def test_values_and_every_derivative(matrix: SparseMatrix, numbers: int) -> None:
    rng = np.random.default_rng(0)
    full = np.zeros(matrix.shape)
    for r, c, v in zip(matrix.row.array, matrix.column.array, matrix.value.array, strict=True):
        full[r, c] += v
    x, y = (jnp.asarray(rng.normal(size=(2, n, numbers))) for n in matrix.shape[::-1])
    expected = np.einsum("rc,nck->nrk", full, x)

    def product(x: Any) -> Any:
        return times(matrix, x, 1)

    same = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)  # noqa: E731
    same(product(x), expected)
    same(jax.jit(product)(x), expected)
    same(jax.jvp(product, (x,), (x,))[1], expected)
    same(jax.vjp(product, x)[1](y)[0], np.einsum("rc,nrk->nck", full, y))
    same(jax.vmap(lambda v: times(matrix, v))(x), expected)
    same(jax.grad(lambda x: (product(x) ** 2).sum() / 2)(x), np.einsum("rc,nrk->nck", full, expected))


def test_transposes_are_products_too() -> None:
    """No scatter in a gradient."""
    matrix = CASES["padded"]
    x = jnp.ones((400, 3))
    text = jax.jit(jax.grad(lambda x: (times(matrix, x) ** 2).sum())).lower(x).as_text()
    assert "scatter" not in text
    assert "gather" in text


def test_values_that_are_not_numbers_stay_where_they_are_read() -> None:
    y = times(CASES["one entry in a row"], jnp.array([1.0, np.nan, 1.0, 2.0]))
    np.testing.assert_array_equal(y, [2, 0, -4, 0, np.nan])
