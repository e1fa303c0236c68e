"""Answers without a lattice: every property over the whole list of structures."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from tests.kernels.structures import NAMES, STRUCTURES, Structure, moves

# At least one of every form; the adjoints of all the others are checked in the slow run.
OFTEN = {
    "S5 V^1 -> V^0",
    "S5 V^2 -> V^2",
    "DeepSets",
    "blocks apart",
    "Z6 V^2 -> V",
    "Z300",
    "D7 with sign",
    "negacyclic, copies",
    "negacyclic 256",
    "sign flips, copies",
    "characters",
    "SO3 sum",
    "blocks of irreps",
    "B3 V^2 -> V is zero",
    "SO3 x S9 tensors",
    "SO3 x S6 x Z8",
}

each = pytest.mark.parametrize("case", STRUCTURES, ids=NAMES)
often = pytest.mark.parametrize(
    "case",
    [pytest.param(s, id=s.name, marks=() if s.name in OFTEN else pytest.mark.slow) for s in STRUCTURES],
)


@each
def test_structure_is_recognised(case: Structure) -> None:
    assert case.form in case.op.describe()
    assert case.op.dim == case.dim == case.solution.dim


@each
def test_value_against_the_exact_basis(case: Structure) -> None:
    kn.check_against_dense(case.op, *case.arrays(()))


@often
def test_adjoints(case: Structure) -> None:
    report = kn.check_adjoints(case.op, *case.arrays(()))  # one sample: a batch would compile all twice
    assert sum("derived" in c.name for c in report.comparisons) == 4 + bool(case.op.bias_dim)


@each
def test_equivariance_under_every_generator(case: Structure) -> None:
    w, x = case.arrays(())
    y = np.asarray(case.op(w, x))
    on_x, on_y = moves(case.solution.problem.x.fibre), moves(case.solution.problem.y.fibre)
    for g in on_x:
        np.testing.assert_allclose(case.op(w, on_x[g] @ x), on_y[g] @ y, rtol=0, atol=1e-10)


@often
def test_symmetries_are_the_generators(case: Structure) -> None:
    """Named, and the same matrices as the representations' own; those of an algebra without exponentials."""
    w, x = case.arrays()
    assert list(case.op.symmetries) == list(case.solution.problem.group.point.generators)
    moved = moves(case.solution.problem.x.fibre)
    for name, (on_x, _) in case.op.symmetries.items():
        if name not in case.solution.problem.group.point.algebra:
            np.testing.assert_allclose(on_x(x), x @ moved[name].T, atol=1e-12)
    assert kn.check_equivariance(case.op, w, x, tolerance=1e-11).passed


@each
def test_dense_is_the_combination_of_the_basis(case: Structure) -> None:
    """Flat weights follow `solution.basis`, to the element."""
    w, _ = case.arrays()
    flat = np.concatenate([np.zeros(0), *[np.asarray(a).reshape(-1) for a in jax.tree.leaves(w)]])
    total = np.zeros((case.op.channels_out, case.op.channels_in))
    chosen = np.unique(np.linspace(0, case.dim - 1, 40).astype(int)) if case.dim else []
    kept = np.zeros_like(flat)
    for k in chosen:
        total += flat[k] * np.array(case.solution.basis[k].dense().tolist(), dtype=np.float64)
        kept[k] = flat[k]
    leaves, build = jax.tree.flatten(w)
    ends = np.cumsum([a.size for a in leaves])[:-1]
    parts = [jnp.asarray(p).reshape(a.shape) for p, a in zip(np.split(kept, ends), leaves, strict=True)]
    np.testing.assert_allclose(case.op.dense(build.unflatten(parts)), total, rtol=0, atol=1e-12)


@each
def test_bias_is_fixed_by_every_generator(case: Structure) -> None:
    rng = np.random.default_rng(5)
    b = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), case.op.init_bias())
    assert sum(a.size for a in jax.tree.leaves(b)) == case.solution.bias_dim
    w, x = case.arrays(())
    bias = np.asarray(case.op(w, 0 * x, b))
    for g, m in moves(case.solution.problem.y.fibre).items():
        np.testing.assert_allclose(m @ bias, bias, rtol=0, atol=1e-10, err_msg=g)
    if case.solution.bias_dim:
        assert np.abs(bias).max() > 1e-3


@each
def test_initial_weights_keep_the_variance_of_every_output(case: Structure) -> None:
    """The variance of output i, from the basis: sum_k sd_k^2 sum_c B_k[i, c]^2 = 1 where orbits feed it."""
    exact = {p.first_out: np.zeros(p.copies_out * p.dim_out) for p in case.op.pairs if p.weights}
    for pair, plain in zip(case.op.pairs, case.op.plain.pairs, strict=True):
        for k in range(pair.weights):
            rows, _, values = plain.element(k)
            for copy in range(pair.copies_out):
                squares = pair.scale.array[k] ** 2 * values**2 * pair.copies_in
                np.add.at(exact[pair.first_out], rows + copy * pair.dim_out, squares)
    orbits = all(p.orbits is not None for p in case.op.plain.pairs)
    for energy in exact.values():
        np.testing.assert_allclose(energy[energy > 0] if orbits else energy.mean(), 1)


@pytest.mark.parametrize("name", ["DeepSets", "Z12", "characters", "SO3 x S9 tensors"])
def test_jit_vmap_grad_and_batches(name: str) -> None:
    case = STRUCTURES[NAMES.index(name)]
    op = case.op
    w, x = case.arrays((2, 4))
    y = op(w, x)
    assert y.shape == (2, 4, op.channels_out)
    np.testing.assert_allclose(jax.jit(op)(w, x), y, atol=1e-12)
    np.testing.assert_allclose(jax.vmap(op, (None, 1), 1)(w, x), y, atol=1e-12)
    np.testing.assert_allclose(op(w, x[0, 0]), y[0, 0], atol=1e-12)
    stacked = jax.tree.map(lambda a: jnp.stack([a, 2 * a]), w)
    np.testing.assert_allclose(jax.vmap(op, (0, None))(stacked, x)[1], 2 * y, atol=1e-12)
    gradient = jax.grad(lambda w: (op(w, x) ** 2).sum())(w)
    wbar, _ = op.adjoints(w, x, 2 * y)
    for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(wbar), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
    np.testing.assert_allclose(x @ op.kernel(w), y, atol=1e-12)
    np.testing.assert_allclose(jax.lax.scan(lambda c, v: (c, op(w, v)), 0, x)[1], y, atol=1e-12)
    value, tangent = jax.jvp(op, (w, x), (w, x))
    np.testing.assert_allclose(tangent, 2 * value, atol=1e-12)


@pytest.mark.parametrize("name", ["S5 V^2 -> V^2", "Z300", "sign flips", "SO3 V^2 -> V^2"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_dtype_is_kept(name: str, dtype: str) -> None:
    case = STRUCTURES[NAMES.index(name)]
    w, x = (a.astype(dtype) for a in case.arrays())
    y = case.op(w, x)
    wbar, xbar = case.op.adjoints(w, x, y)
    assert y.dtype == wbar.dtype == xbar.dtype == jnp.dtype(dtype)
    exact = case.op(w.astype("float64"), x.astype("float64"))
    assert np.abs(np.asarray(y, np.float64) - exact).max() < 0.1 * np.abs(exact).max()


@each
def test_an_empty_batch_gives_an_empty_batch(case: Structure) -> None:
    w, x = case.arrays((0,))
    y = case.op(w, x)
    assert y.shape == (0, case.op.channels_out)
    wbar, xbar = case.op.adjoints(w, x, y)
    assert xbar.shape == x.shape
    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(wbar))
