"""Every implementation in every dtype and transformation, and the branches that small cases miss."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from kernels.convolution.algorithms import fft, row_sum
from kernels.convolution.choice import rules
from kernels.convolution.choice.thresholds import DEFAULT
from tests import compiling
from tests.kernels.cases import CASES, NAMES, Case

IMPLEMENTATIONS = rules.NAMES[1:]
SOME = [
    pytest.param(CASES[NAMES.index("1d transposed same stride")]),
    pytest.param(CASES[NAMES.index("2d groups, stride, dilation")], marks=pytest.mark.slow),
]
# Relative to the norm of the exact answer. The bound of transforms is relative to the norms of the operands.
TOLERANCES = {"float32": 1e-5, "bfloat16": 2e-2}


def apart(value: jax.Array, exact: np.ndarray) -> float:
    return float(np.linalg.norm(np.asarray(value, np.float64) - exact) / np.linalg.norm(exact))


def derivatives(case: Case, x: np.ndarray, kernel: np.ndarray, ybar: np.ndarray) -> tuple[np.ndarray, ...]:
    """Value and both adjoints by the oracle's matrices, in float64."""
    units = np.eye(kernel.size).reshape(-1, *kernel.shape)
    in_kernel = np.stack([case.oracle(x, unit).ravel() for unit in units], axis=1)
    samples = np.reshape(ybar, (int(np.prod(case.batch)), -1)) @ case.matrix(kernel)
    return (
        case.oracle(x, kernel),
        samples.reshape(x.shape),
        (in_kernel.T @ ybar.ravel()).reshape(kernel.shape),
    )


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("case", SOME, ids=lambda case: case.name)
def test_dtypes(case: Case, implementation: str) -> None:
    """Compiled as it is outside of the suite, where the order of sums and the roundings are another."""

    @partial(jax.jit, compiler_options=compiling.DEFAULT)
    def everything(x, kernel, ybar):
        y, pull = jax.vjp(partial(case.op, implementation=implementation), x, kernel)
        return y, *pull(ybar)

    for dtype, tolerance in TOLERANCES.items():
        arrays = case.arrays(dtype=dtype)
        exact = derivatives(case, *(np.asarray(a, np.float64) for a in arrays))
        for value, true in zip(everything(*arrays), exact, strict=True):
            assert value.dtype == dtype
            assert apart(value, true) < tolerance


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_transformations(implementation: str) -> None:
    """Forward mode, vmap over both operands, and gradients in the body of a scan, in one program."""
    case = CASES[NAMES.index("2d circular, dilated, groups")]
    op = partial(case.op, implementation=implementation)
    pairs = [case.arrays(seed) for seed in range(2)]
    xs, ks, ybars = (jnp.stack(a) for a in zip(*pairs, strict=True))

    def body(total, triple):
        x, k, ybar = triple
        y, dy = jax.jvp(op, (x, k), (xs[0], ks[0]))
        return total + y, (dy, *jax.vjp(op, x, k)[1](ybar))

    @jax.jit
    def everything(xs, ks, ybars):
        return jax.lax.scan(body, jnp.zeros(case.output_shape), (xs, ks, ybars)), jax.vmap(op)(xs, ks)

    (total, (dys, xbars, kbars)), mapped = everything(xs, ks, ybars)
    close = partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-11)
    oracle = lambda x, k: case.oracle(np.asarray(x), np.asarray(k))  # noqa: E731
    for i, (x, k, ybar) in enumerate(pairs):
        _, xbar, kbar = derivatives(case, *map(np.asarray, (x, k, ybar)))
        close(xbars[i], xbar)
        close(kbars[i], kbar)
        close(dys[i], oracle(xs[0], k) + oracle(x, ks[0]))
        close(mapped[i], oracle(x, k))
    close(total, sum(oracle(x, k) for x, k, _ in pairs))


def pair(rng, x_shape, kernel_shape):
    return jnp.asarray(rng.normal(size=x_shape)), jnp.asarray(rng.normal(size=kernel_shape))


def step(x, kernel, implementation, **options):
    op = partial(kn.conv, implementation=implementation, **options)
    y, pull = jax.vjp(op, x, kernel)
    return y, *pull(y)


def test_transforms_of_several_tiles(rng) -> None:
    """An image long enough to be cut: tiles of output rows, and of kernel rows in the kernel adjoint."""
    assert fft.cheapest(200, 5).tiles > 1
    x, kernel = pair(rng, (1, 200, 6, 2), (5, 3, 2, 1))
    both = jax.jit(partial(step, implementation="fft"))(x, kernel)
    for got, expected in zip(both, step(x, kernel, "xla"), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def test_transforms_keep_their_bound(rng) -> None:
    """Large next to small: the error follows the norms of the operands, as stated, in float32."""
    x, kernel = pair(rng, (1, 96, 80, 1), (21, 17, 1, 1))
    x = x.at[0, :40].multiply(1e4).astype(jnp.float32)
    kernel = kernel.astype(jnp.float32)
    y = jax.jit(partial(kn.conv, implementation="fft"))(x, kernel)
    exact = step(x.astype("float64"), kernel.astype("float64"), "xla")[0]
    bound = (
        10 * np.finfo(np.float32).eps * np.log2(96 * 80) * float(jnp.linalg.norm(x) * jnp.linalg.norm(kernel))
    )
    assert float(np.max(np.abs(np.asarray(y, np.float64) - np.asarray(exact)))) <= bound
    assert apart(y, np.asarray(exact)) < 1e-5


@pytest.mark.parametrize("calls", [32, 1], ids=["calls", "a loop"])
@pytest.mark.parametrize(
    ("image", "kernel", "options"),
    [
        ((1, 19, 8, 2), (7, 7, 1, 2), {"groups": 2, "dilation": (2, 1)}),
        ((1, 24, 13, 2), (9, 9, 1, 2), {"groups": 2, "strides": (2, 1)}),
        ((1, 12, 11, 16), (3, 3, 8, 4), {"groups": 2, "dilation": 2}),
        ((1, 12, 11, 8), (5, 5, 4, 2), {"groups": 2}),
        ((1, 3, 6, 5, 4), (3, 5, 4, 1, 4), {"groups": 4}),
    ],
    ids=["rows", "three rows at a time", "two channels at a time", "rows of four channels", "3-D"],
)
def test_what_is_not_written_out_at_once(image, kernel, options, calls, rng, thresholds) -> None:
    """One function of at most 32 terms, called again and again, or a loop where that would be too often."""
    thresholds(calls=calls, one_channel_terms=1)
    x, kernel = pair(rng, image, kernel)
    run = jax.jit(partial(kn.conv, implementation="shifted", **options))
    program = run.lower(x, kernel).as_text()
    assert 0 < program.count("stablehlo.multiply") <= 32
    assert ("stablehlo.while" in program) == (calls == 1)
    np.testing.assert_allclose(run(x, kernel), reference.conv(x, kernel, **options), rtol=1e-11, atol=1e-11)


def test_rows_in_pieces(rng, thresholds) -> None:
    """Rows too long for the cache are cut, the last piece being filled up with zeros."""
    thresholds(sum_numbers=64)
    x, kernel = pair(rng, (2, 3, 11, 4), (3, 3, 1, 4))
    assert row_sum._pieces(11, 36, 64) == (6, 2)
    for strides, dilation in ((2, 1), (1, 2)):
        options = {"groups": 4, "strides": strides, "dilation": dilation}
        got, expected = (
            jax.jit(partial(step, implementation=i, **options))(x, kernel) for i in ("shifted", "xla")
        )
        np.testing.assert_allclose(got[2], expected[2], rtol=1e-11, atol=1e-11)


def test_a_layer_over_the_whole_image(rng) -> None:
    """One output site and many output channels: the product that leaves the kernel where it is."""
    x, kernel = pair(rng, (1, 3, 2, 2), (3, 2, 2, 9))
    y = kn.conv(x, kernel, padding="VALID", implementation="matmul")
    np.testing.assert_allclose(y, reference.conv(x, kernel, padding="VALID"), rtol=1e-12)


def test_no_rule_writes_out_more_than_32_terms() -> None:
    """The defaults on CPU, at the edges of the rules: products of each of the three directions together."""
    layers = [
        ((1, 64, 64, 1), (31, 31, 1, 1), {}),
        ((1, 64, 64, 3), (3, 3, 3, 5), {}),
        ((1, 16, 16, 8), (11, 11, 1, 8), {"groups": 8}),
        ((1, 16, 16, 64), (3, 3, 2, 64), {"groups": 32}),
        ((1, 8, 8, 8, 4), (3, 3, 3, 4, 4), {}),
        ((1, 200, 8), (31, 1, 8), {"groups": 8}),
    ]
    for x, kernel, options in layers:
        shaped = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (x, kernel))
        text = jax.jit(partial(step, implementation="auto", **options)).lower(*shaped).as_text()
        products = sum(text.count(f"stablehlo.{name}") for name in ("multiply", "dot_general", "convolution"))
        assert products <= 3 * DEFAULT.written_terms + 10, (x, kernel)  # a few multiplications are of indices
