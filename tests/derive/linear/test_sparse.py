"""Sparse integer matrices against dense NumPy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from derive.linear import sparse as module
from derive.linear.sparse import between_identities, from_dense, sparse

sides = st.integers(0, 5)


@st.composite
def dense(draw, rows=sides, columns=sides):
    shape = draw(rows), draw(columns)
    return draw(st.integers(0, 2**32 - 1).map(lambda seed: _random(seed, shape)))


def _random(seed, shape):
    random = np.random.default_rng(seed)
    return random.integers(-3, 4, size=shape) * (random.random(shape) < 0.5)


@given(st.integers(1, 5).flatmap(lambda n: st.tuples(dense(columns=st.just(n)), dense(rows=st.just(n)))))
def test_products(pair):
    a, b = pair
    assert (from_dense(a) @ from_dense(b)) == from_dense(a @ b)
    assert (from_dense(a).times(b) == a @ b).all()
    assert (from_dense(a) @ from_dense(b)).toarray().tolist() == (a @ b).tolist()


@given(st.tuples(sides, sides).flatmap(lambda s: st.tuples(*[dense(st.just(s[0]), st.just(s[1]))] * 2)))
def test_sums(pair):
    a, b = pair
    assert from_dense(a) + from_dense(b) == from_dense(a + b)
    assert from_dense(a) - from_dense(b) == from_dense(a - b)
    assert from_dense(a) * -2 == from_dense(a * -2)
    assert (from_dense(a) == from_dense(b)) == (a == b).all()


@given(dense(), st.randoms(use_true_random=False))
def test_rows_columns_and_identities(a, random):
    rows, columns = (np.array(random.sample(range(n), random.randint(0, n)), dtype=int) for n in a.shape)
    assert from_dense(a).take(rows) == from_dense(a[rows])
    assert from_dense(a).take_columns(columns) == from_dense(a[:, columns])
    assert from_dense(a).transpose == from_dense(a.T)
    assert from_dense(a).norm == abs(a).max(initial=0)
    expected = np.kron(np.kron(np.eye(2, dtype=int), a), np.eye(3, dtype=int))
    assert between_identities(2, from_dense(a), 3) == from_dense(expected)


def test_entries_at_one_place_are_added_and_zeros_dropped():
    m = sparse([2, 0, 2, 1, 1], [1, 0, 1, 0, 0], [4, 7, -1, 5, -5], (3, 2))
    assert (m.nnz, m.toarray().tolist()) == (2, [[7, 0], [0, 0], [0, 3]])


def test_a_product_with_a_dense_matrix_in_pieces_that_cut_rows(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 8)
    a, b = np.arange(35).reshape(5, 7), np.arange(28).reshape(7, 4)
    assert (from_dense(a).times(b) == a @ b).all()
