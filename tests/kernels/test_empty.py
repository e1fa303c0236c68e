"""Axes of size zero, batched or not: shapes, dtypes and values as `lax.conv_general_dilated` has them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import derive
import kernels as kn

SIZES = {"n": 2, "u": 5, "v": 4, "c": 2, "d": 3}  # samples, image, channels of a group in and out
EMPTY = ["n", "u", "v", "c", "d", "nc", "ud", "nuvcd"]
OPTIONS: list[dict[str, Any]] = [
    {"padding": "SAME"},
    {"padding": "VALID", "strides": (2, 1)},
    {"padding": [(1, 2), (0, 3)], "dilation": (1, 2)},
]
MAPPED: dict[str, Any] = {"none": None, "x": (0, None), "kernel": (None, 0), "both": (0, 0), "last": (-1, 1)}


def theirs(
    x: jax.Array, kernel: jax.Array, strides: Any, padding: Any, dilation: Any, groups: int
) -> jax.Array:
    return lax.conv_general_dilated(
        x, kernel, strides, padding, rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups,
    )  # fmt: skip


def batched(shape: tuple[int, ...], axis: int | None, many: int) -> np.ndarray:
    """Random numbers with the mapped axis in its place."""
    drawn = np.random.default_rng(0).normal(size=shape if axis is None else (many, *shape))
    return drawn if axis is None else np.moveaxis(drawn, 0, axis)


def situations(groups: int, *empties: str) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...], Any]]:
    """Shapes of image and kernel with some axes empty, and options."""
    for i, empty in enumerate(empties):
        size = SIZES | dict.fromkeys(empty, 0)
        image = (size["n"], size["u"], size["v"], groups * size["c"])
        how = {"strides": (1, 1), "dilation": (1, 1), "groups": groups, **OPTIONS[i % len(OPTIONS)]}
        yield empty, image, (3, 2, size["c"], groups * size["d"]), how


def same(names: list[Any], pairs: Any) -> None:
    for name, (got, expected) in zip(names, pairs, strict=True):
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype), name
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12, err_msg=str(name))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("many", [0, 2])
@pytest.mark.parametrize("mapped", MAPPED)
def test_as_lax(mapped: str, many: int, groups: int) -> None:
    """Value and gradients, every empty axis with every mapped side; the mapped axis empty or not."""
    dims = MAPPED[mapped]
    axes = (None, None) if dims is None else dims

    def three(op: Any, x: jax.Array, kernel: jax.Array) -> list[jax.Array]:
        y, pull = jax.vjp(op if dims is None else jax.vmap(op, dims), x, kernel)
        return [y, *pull(jnp.cos(y))]

    def everything(arrays: list[Any]) -> list[Any]:
        pairs: list[Any] = []
        for (_, _, _, how), both in zip(cases, arrays, strict=True):
            ours, expected = (three(partial(op, **how), *both) for op in (kn.conv, theirs))
            pairs += zip(ours, expected, strict=True)
        return pairs

    cases = list(situations(groups, "", *EMPTY))
    arrays = [(batched(image, axes[0], many), batched(size, axes[1], many)) for _, image, size, _ in cases]
    same([(empty, k) for empty, *_ in cases for k in range(3)], jax.jit(everything)(arrays))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("many", [0, 2])
@pytest.mark.parametrize("dims", [(0, None), (None, 0), (0, 0)])
def test_adjoints_and_transposes(dims: Any, many: int, groups: int) -> None:
    """Under their own names, mapped over either side or both: what the gradients of lax are, mapped alike."""

    def ops(image: tuple[int, ...], size: tuple[int, ...], how: Any) -> list[Any]:
        """Ours, and the transpose of lax's; with the shapes of their operands."""
        op = partial(theirs, **how)
        x, kernel = (jax.ShapeDtypeStruct(shape, jnp.float64) for shape in (image, size))
        out = jax.eval_shape(op, x, kernel).shape
        to_input = lambda ybar, k: jax.linear_transpose(lambda x: op(x, k), x)(ybar)[0]  # noqa: E731
        to_kernel = lambda x, ybar: jax.linear_transpose(lambda k: op(x, k), kernel)(ybar)[0]  # noqa: E731
        return [
            (partial(kn.input_adjoint, input_shape=image, **how), to_input, out, size),
            (partial(kn.conv_transpose, output_shape=image[1:-1], **how), to_input, out, size),
            (partial(kn.kernel_adjoint, kernel_shape=size, **how), to_kernel, image, out),
        ]

    cases = [(empty, *op) for empty, *rest in situations(groups, "", *EMPTY) for op in ops(*rest)]
    arrays = [(batched(a, dims[0], many), batched(b, dims[1], many)) for *_, a, b in cases]
    mapped = [[jax.vmap(op, dims) for op in both] for _, *both, _, _ in cases]

    @jax.jit
    def everything(arrays: list[Any]) -> list[Any]:
        return [(ours(*a), expected(*a)) for (ours, expected), a in zip(mapped, arrays, strict=True)]

    same([empty for empty, *_ in cases], everything(arrays))


def test_no_kernels_at_all() -> None:
    """An empty batch of kernels gives an empty batch of whole results, channels included."""
    y = jax.vmap(kn.conv, (None, 0))(jnp.zeros((2, 7, 7, 3)), jnp.zeros((0, 3, 3, 3, 2)))
    assert y.shape == (0, 2, 7, 7, 2)


@pytest.mark.parametrize("padding", ["VALID", "CAUSAL", [(0, 1), (2, 0)]])
def test_pools_and_matrices(padding: Any) -> None:
    """Their shapes follow from that of the convolution."""
    for empty, x_shape, _, _ in situations(1, "n", "u", "v", "c", "nc"):
        x, kernel = jnp.zeros(x_shape), jnp.zeros((2, 2, x_shape[-1], 3))
        y = kn.conv(x, kernel, padding=padding).shape
        for pool in (kn.avg_pool, kn.max_pool):
            assert pool(x, (2, 2), strides=1, padding=padding).shape == (*y[:-1], x.shape[-1]), empty
        sites = math.prod(y[1:])
        patches = kn.patch_matrix(x, (2, 2), out_channels=3, padding=padding)
        assert patches.shape == (y[0] * sites, kernel.size), empty
        matrix = kn.conv_matrix(kernel, x.shape[1:-1], padding=padding)
        assert matrix.shape == (sites, math.prod(x.shape[1:])), empty


@pytest.mark.parametrize("batch", [(0,), (2, 0, 3)])
def test_maps_of_empty_batches(batch: tuple[int, ...]) -> None:
    """Sums over diagonals, circular convolutions and matrices of no vector: their gradients are zero."""
    point = derive.wallpaper("p4").point
    V = 2 * derive.sign(point) + derive.regular(point) + 2 * derive.irreps(point)[-1]
    op = kn.lower(derive.solve(V, 2 * derive.regular(point)), dtype=jnp.float32)
    w, x = op.init(jax.random.key(0)), jnp.ones((*batch, V.dim), jnp.float32)
    y, pull = jax.vjp(op, w, x)
    assert y.shape == (*batch, 8)
    bars, xbar = pull(y)
    assert not any(bool(bar.any()) for bar in jax.tree.leaves(bars))
    assert xbar.shape == x.shape
    assert jax.tree.map(jnp.shape, op.adjoints(w, x, y)) == jax.tree.map(jnp.shape, (w, x))
