"""Every real dtype, with a stated tolerance: relative to the largest entry, against the float64 oracle."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from kernels import precision
from kernels.checking import report as reports
from tests import compiling
from tests.kernels.cases import CASES, NAMES

TOLERANCES = {"float64": 1e-13, "float32": 2e-6, "float16": 2e-3, "bfloat16": 1.5e-2}
CHOSEN = ("1d same", "1d stride circular", "2d groups, stride, dilation", "3d same", "2d transposed groups")
SOME = [CASES[NAMES.index(name)] for name in CHOSEN]


def distance(a, b) -> float:
    a, b = (np.asarray(v, np.float64) for v in (a, b))
    return float(np.max(np.abs(a - b)) / np.max(np.abs(b)))


def program(case):
    """Value and both gradients, compiled as outside of the suite: roundings depend on it."""

    def everything(x, kernel, ybar):
        y, pull = jax.vjp(case.op, x, kernel)
        return y, *pull(ybar)

    return jax.jit(everything, compiler_options=compiling.DEFAULT)


PROGRAMS = {case.name: program(case) for case in SOME}


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", SOME, ids=CHOSEN)
def test_values_and_gradients(case, dtype: str) -> None:
    x, kernel, ybar = case.arrays(dtype=dtype)
    exact = [jnp.asarray(a, np.float64) for a in (x, kernel, ybar)]
    results = PROGRAMS[case.name](x, kernel, ybar)
    for value, true in zip(results, PROGRAMS[case.name](*exact), strict=True):
        assert value.dtype == dtype
        assert distance(value, true) < TOLERANCES[dtype]
    assert distance(results[0], case.oracle(exact[0], exact[1])) < TOLERANCES[dtype]


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_pools_and_matrices(dtype: str, rng) -> None:
    x = jnp.asarray(rng.normal(size=(2, 5, 6, 3)), dtype)
    kernel = jnp.asarray(rng.normal(size=(3, 2, 3, 2)), dtype)
    for pool in (kn.avg_pool, kn.max_pool):
        y = pool(x, (2, 2), strides=1, padding="SAME")
        assert y.dtype == dtype
        assert distance(y, pool(x.astype("float64"), (2, 2), strides=1, padding="SAME")) < TOLERANCES[dtype]
    assert kn.conv_matrix(kernel, (5, 6)).dtype == dtype
    assert kn.patch_matrix(x, (3, 2)).dtype == dtype


@pytest.mark.parametrize("dtype", reports.TOLERANCES)
def test_checks_state_their_tolerance(dtype: str, rng) -> None:
    x, kernel = jnp.asarray(rng.normal(size=(9, 4)), dtype), jnp.asarray(rng.normal(size=(3, 4, 5)), dtype)
    report = kn.check_adjoints(kn.conv, kernel, x)
    assert report.dtype == dtype
    assert {c.tolerance for c in report.comparisons} == {reports.TOLERANCES[dtype]}


def test_numpy_inputs_follow_jax(rng) -> None:
    """Without x64 a float64 NumPy array is a float32 one, as everywhere in JAX."""
    x, kernel = rng.normal(size=(5, 2)), rng.normal(size=(3, 2, 2))
    assert kn.conv(x, kernel).dtype == "float64"
    with jax.enable_x64(False):
        assert kn.conv(x, kernel).dtype == "float32"
        assert kn.conv(x, jnp.asarray(kernel, jnp.float32)).dtype == "float32"


@pytest.mark.parametrize("given", [None, "highest", jax.lax.Precision.HIGH, ("default", "highest")])
def test_precision(given, rng) -> None:
    x, kernel = rng.normal(size=(5, 2)), rng.normal(size=(3, 2, 2))
    text = str(jax.make_jaxpr(jax.grad(lambda x: kn.conv(x, kernel, precision=given).sum()))(x))
    assert f"precision={given}" in text


def test_precision_follows_the_context(rng) -> None:
    x, kernel = rng.normal(size=(5, 2)), rng.normal(size=(3, 2, 2))
    with jax.default_matmul_precision("highest"):
        assert "precision=highest" in str(jax.make_jaxpr(kn.conv)(x, kernel))
    assert "precision=None" in str(jax.make_jaxpr(kn.conv)(x, kernel))


# ---- precision and sums -----------------------------------------------------------------------------------


def lowered(into: int = 1, out: int = 1, **options) -> kn.LatticeOp:
    shifts = dv.translations(1)
    return kn.lower(dv.solve(dv.Field(shifts, into), dv.Field(shifts, out), support=dv.box(0)), **options)


def turned(**options) -> kn.MapsOp:
    V = dv.defining(dv.special_orthogonal(3))
    return kn.lower(dv.solve(V**2, V**2), **options)


def fibred(**options) -> kn.FibredOp:
    G = dv.wallpaper("p4m")
    return kn.lower(
        dv.solve(dv.Field(G, 1), dv.Field(G, fibre=dv.regular(G.point)), support=dv.box(1)), **options
    )


OPS = {lowered: (3, 1), turned: (9,), fibred: (4, 4, 1)}


def trace(op, w, x) -> str:
    return str(jax.make_jaxpr(jax.grad(lambda w: jnp.sum(op(w, x))))(w)).lower()


@pytest.mark.parametrize("make", OPS, ids=lambda make: make.__name__)
def test_precision_of_an_op(make) -> None:
    """What `lower` was told, value and gradients; otherwise the context; otherwise nothing."""
    plain, precise, x = make(), make(precision="highest"), jnp.ones(OPS[make])
    w = plain.init(jax.random.key(0))
    products = [line for line in trace(precise, w, x).splitlines() if "precision=" in line]
    assert products
    assert all("highest" in line for line in products)
    alone = trace(plain, w, x)
    with jax.default_matmul_precision("highest"):
        assert trace(plain, w, x).count("highest") == trace(precise, w, x).count("highest")
    assert alone.count("highest") < trace(precise, w, x).count("highest")
    np.testing.assert_array_equal(plain(w, x), precise(w, x))  # on CPU they are the same


def test_precision_of_an_op_in_every_spelling() -> None:
    """Whatever `jax.lax` takes for both operands has a name, under which ops are equal."""
    highest = lowered(precision="highest")
    for given in (jax.lax.Precision.HIGHEST, ("highest", "highest"), (jax.lax.Precision.HIGHEST,) * 2):
        assert lowered(precision=given) == highest
    assert lowered(precision="bfloat16_3x").precision == "high"
    preset = jax.lax.DotAlgorithmPreset.BF16_BF16_F32
    assert lowered(precision=preset).precision == preset.name
    for wrong in (3, True, ("highest", "high"), ()):
        with pytest.raises(kn.PrecisionError, match="precision must be one of"):
            lowered(precision=wrong)


def test_unknown_precision() -> None:
    with pytest.raises(kn.PrecisionError) as error:
        lowered(precision="best")
    names = precision.NAMES
    assert str(error.value) == f"precision must be one of {names}, got 'best'; or leave it out"
    x, kernel = np.ones((5, 2)), np.ones((3, 2, 2))
    for wrong in ("best", 3, ("highest",), ("highest", "best")):
        with pytest.raises(kn.PrecisionError) as error:
            kn.conv(x, kernel, precision=wrong)
        assert str(error.value) == (
            f"precision must be one of {names}, a jax.lax.Precision, or two of them, got {wrong!r}; "
            "or leave it out"
        )


@pytest.mark.parametrize("implementation", ["auto", "xla", "shifted", "matmul", "grouped", "unfold"])
def test_sums_are_kept_in_float32(implementation: str) -> None:
    """300 ones add up: a running sum in bfloat16 would stop at 256."""
    ones = partial(jnp.ones, dtype="bfloat16")
    conv = partial(kn.conv, padding="VALID", implementation=implementation)
    assert conv(ones((1, 300, 1)), ones((300, 1, 1))).item() == 300  # over taps
    assert conv(ones((1, 1, 300)), ones((1, 300, 1))).item() == 300  # over channels
    gradient = jax.grad(lambda kernel: jnp.sum(conv(ones((1, 300, 1)), kernel), dtype="float32"))
    assert gradient(ones((1, 1, 1))).item() == 300  # over the image


def test_sums_of_an_op_are_kept_in_float32() -> None:
    ones = partial(jnp.ones, dtype="bfloat16")
    op = lowered(300)
    assert op(ones(op.weight_shape), ones((1, 300))).item() == 300
    S = dv.symmetric(300)
    pool = kn.lower(dv.solve(dv.permutation(S), dv.trivial(S)))
    assert pool(ones((1, 1, 1)), ones(300)).item() == 300


# ---- adjoints and repetition ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", SOME, ids=CHOSEN)
def test_adjoint_identity(case, dtype: str) -> None:
    """<y, A x> = <A* y, x> on both sides, with inner products taken in float64."""
    x, kernel, ybar = case.arrays(dtype=dtype)
    y, *bars = PROGRAMS[case.name](x, kernel, ybar)
    forward = inner(ybar, y)
    scale = norm(ybar) * norm(y)
    for bar, operand in zip(bars, (x, kernel), strict=True):
        assert abs(inner(bar, operand) - forward) < TOLERANCES[dtype] * max(scale, norm(bar) * norm(operand))


def inner(a, b) -> float:
    return float(np.vdot(np.asarray(a, np.float64), np.asarray(b, np.float64)))


def norm(a) -> float:
    return inner(a, a) ** 0.5


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_same_numbers_every_time(dtype: str) -> None:
    """Bit for bit, from the same program and from one compiled anew."""
    for case in SOME:
        operands, run, anew = case.arrays(dtype=dtype), PROGRAMS[case.name], program(case)
        for a, b, c in zip(run(*operands), run(*operands), anew(*operands), strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(a, c)
