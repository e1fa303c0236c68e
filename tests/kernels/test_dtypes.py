"""Every real dtype, with a stated tolerance: relative to the largest entry, against the float64 oracle."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from tests.kernels.cases import CASES, NAMES

TOLERANCES = {"float64": 1e-13, "float32": 2e-6, "float16": 2e-3, "bfloat16": 1.5e-2}
CHOSEN = ("1d same", "1d stride circular", "2d groups, stride, dilation", "3d same", "2d transposed groups")
SOME = [CASES[NAMES.index(name)] for name in CHOSEN]


def distance(a, b) -> float:
    a, b = (np.asarray(v, np.float64) for v in (a, b))
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", SOME, ids=CHOSEN)
def test_values_and_gradients(case, dtype: str) -> None:
    x, kernel, ybar = case.arrays(dtype=dtype)
    exact = [jnp.asarray(a, np.float64) for a in (x, kernel, ybar)]

    @jax.jit
    def everything(x, kernel, ybar):
        y, pull = jax.vjp(case.op, x, kernel)
        return y, *pull(ybar)

    results = everything(x, kernel, ybar)
    for value, true in zip(results, everything(*exact), strict=True):
        assert value.dtype == dtype
        assert distance(value, true) < TOLERANCES[dtype]
    assert distance(results[0], case.oracle(exact[0], exact[1])) < TOLERANCES[dtype]


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_pools_and_matrices(dtype: str, rng) -> None:
    x = jnp.asarray(rng.normal(size=(2, 5, 6, 3)), dtype)
    kernel = jnp.asarray(rng.normal(size=(3, 2, 3, 2)), dtype)
    for pool in (kn.avg_pool, kn.max_pool):
        y = pool(x, 2, strides=1, padding="SAME")
        assert y.dtype == dtype
        assert distance(y, pool(x.astype("float64"), 2, strides=1, padding="SAME")) < TOLERANCES[dtype]
    assert kn.conv_matrix(kernel, (5, 6)).dtype == dtype
    assert kn.patch_matrix(x, (3, 2)).dtype == dtype


@pytest.mark.parametrize("dtype", kn.checks.TOLERANCES)
def test_checks_state_their_tolerance(dtype: str, rng) -> None:
    x, kernel = jnp.asarray(rng.normal(size=(9, 4)), dtype), jnp.asarray(rng.normal(size=(3, 4, 5)), dtype)
    report = kn.check_adjoints(kn.conv, kernel, x)
    assert report.dtype == dtype
    assert {c.tolerance for c in report.comparisons} == {kn.checks.TOLERANCES[dtype]}


def test_numpy_inputs_follow_jax(rng) -> None:
    """Without x64 a float64 NumPy array is a float32 one, as everywhere in JAX."""
    x, kernel = rng.normal(size=(5, 2)), rng.normal(size=(3, 2, 2))
    assert kn.conv(x, kernel).dtype == "float64"
    with jax.enable_x64(False):
        assert kn.conv(x, kernel).dtype == "float32"
        assert kn.conv(x, jnp.asarray(kernel, jnp.float32)).dtype == "float32"


@pytest.mark.parametrize("precision", [None, "highest", jax.lax.Precision.HIGH, ("default", "highest")])
def test_precision(precision, rng) -> None:
    x, kernel = rng.normal(size=(5, 2)), rng.normal(size=(3, 2, 2))
    text = str(jax.make_jaxpr(jax.grad(lambda x: kn.conv(x, kernel, precision=precision).sum()))(x))
    assert f"precision={precision}" in text


def test_precision_follows_the_context(rng) -> None:
    x, kernel = rng.normal(size=(5, 2)), rng.normal(size=(3, 2, 2))
    with jax.default_matmul_precision("highest"):
        assert "precision=highest" in str(jax.make_jaxpr(kn.conv)(x, kernel))
    assert "precision=None" in str(jax.make_jaxpr(kn.conv)(x, kernel))
