"""The variance of the output of unit inputs, measured: 1, or 2 before a relu, whatever the fibre."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
from derive.symmetry.representation import from_blocks
from kernels.layers.core.fibres import layout
from kernels.layers.core.linear import conv, conv_transpose, linear

P4M, P6 = dv.wallpaper("p4m"), dv.wallpaper("p6")
D4, C6 = P4M.point, P6.point
S5 = dv.symmetric(5)
SO3 = dv.special_orthogonal(3)
MANY = 24
FIBRES = {
    "trivial": MANY * dv.trivial(D4),
    "signs": MANY * dv.sign(D4),
    "regular": 6 * dv.regular(D4),
    "irreducible": MANY * dv.irreps(D4)[-1],
    "mixture": MANY * dv.trivial(D4) + 4 * dv.regular(D4) + MANY * dv.irreps(D4)[-1] + MANY * dv.sign(D4),
}


def variances(spec: Any, keys: int = 16) -> list[float]:
    """For every piece of the output the mean of sum_c K[c, i]^2 over its channels and draws of weights."""
    params = jax.jit(jax.vmap(spec.init))(jax.random.split(jax.random.key(0), keys))
    kernels = np.asarray(jax.jit(jax.vmap(lambda p: spec.op.kernel(spec.weight(p))))(params))
    squares = (kernels**2).sum(axis=tuple(range(1, kernels.ndim - 1))).mean(0)
    return [float(squares[part.channels].mean()) for part in layout(spec.out.fibre).parts]


@pytest.mark.parametrize("into", FIBRES)
@pytest.mark.parametrize("out", FIBRES)
def test_whatever_the_fibres(into: str, out: str) -> None:
    """1; and 0 only of a piece to which no equivariant map leads, as of scalars from signs."""
    x = dv.Field(P4M, fibre=FIBRES[into])
    spec = conv(x, FIBRES[out], dv.window(3), init="lecun")
    found = variances(spec) if spec.op.dim else [0.0]
    for (copies, piece), variance in zip(FIBRES[out].blocks, found, strict=True):
        alone = dv.Field(P4M, fibre=copies * from_blocks(D4, [(1, piece)]))
        some = dv.solve(x, alone, dv.window(3)).dim != 0
        assert variance == (pytest.approx(1, rel=0.12) if some else 0)


OTHERS = {
    "strided": (
        conv,
        dv.Field(P4M, fibre=FIBRES["mixture"]),
        FIBRES["regular"],
        dv.window(4),
        {"strides": 2},
    ),
    "hexagonal": (conv, dv.Field(P6, fibre=4 * dv.regular(C6)), 8 * dv.regular(C6), dv.hexagon(1), {}),
    "of permutations": (linear, 4 * dv.permutation(S5) ** 2, 16 * dv.permutation(S5), {}),
    "of rotations": (linear, 4 * dv.defining(SO3) ** 2, 32 * dv.defining(SO3), {}),
}


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
def test_whatever_the_layer(case: tuple[Any, ...]) -> None:
    make, *args, options = case
    for found in variances(make(*args, init="lecun", **options)):
        assert found == pytest.approx(1, rel=0.12)


def test_a_finer_lattice_shares_its_taps() -> None:
    """Of a window of 4 at twice as many sites every output reads a quarter, and has the variance 1."""
    spec = conv_transpose(
        dv.Field(P4M, fibre=FIBRES["regular"]), FIBRES["regular"], dv.window(4), init="lecun"
    )
    assert variances(spec)[0] == pytest.approx(4, rel=0.12)
    x = np.random.default_rng(0).normal(size=(4, 9, 9, 48)).astype(np.float32)
    y = np.asarray(spec(spec.init(jax.random.key(1)), x).y)
    assert y[:, 3:-3, 3:-3].var() == pytest.approx(1, rel=0.12)


def test_the_three_ways_to_draw() -> None:
    x = dv.Field(P4M, fibre=FIBRES["regular"])
    assert variances(conv(x, FIBRES["regular"], dv.window(3)))[0] == pytest.approx(2, rel=0.1)
    narrow = conv(x, 3 * dv.regular(D4), dv.window(3), init="glorot")
    assert variances(narrow)[0] == pytest.approx(2 * 48 / (48 + 24), rel=0.12)
    flat = conv(x, 3 * dv.regular(D4), dv.window(3), init=jax.nn.initializers.constant(0.5))
    weight = flat.init(jax.random.key(0))["weight"]
    assert all(bool((w == 0.5).all()) for w in weight)


def test_he_keeps_the_second_moment_through_relus() -> None:
    """Ten layers and relus, measured on data on a torus: what comes out is as large as what goes in."""
    field = dv.Field(P4M, fibre=FIBRES["regular"], grid=6, boundary="periodic")
    spec = conv(field, FIBRES["regular"], dv.window(3), param_dtype=jnp.float32)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 6, 6, 48)), jnp.float32)
    run = jax.jit(lambda key, x: spec(spec.init(key), x).y)
    moments = []
    for key in jax.random.split(jax.random.key(0), 10):
        x = run(key, x)
        moments.append(float((x**2).mean()) / 2)
        x = jax.nn.relu(x)
    assert 0.4 < moments[0] < 1.6
    assert 0.3 < moments[-1] < 3
