"""f * g = g * f, and stacked convolutions, against NumPy's convolve and against loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.convolution.commutation import commutation
from derive.convolution.composition import compose_kernels, composition, receptive_field
from tests.derive.convolution.loops import Case, table

F, G = sp.IndexedBase("f"), sp.IndexedBase("g")
u, q = sp.Symbol("u", integer=True), sp.Symbol("u'", integer=True)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("lattice", [True, False])
@pytest.mark.parametrize("flip", [True, False])
def test_row_11_proved(dim: int, lattice: bool, flip: bool) -> None:
    proof = commutation(dim, lattice=lattice, flip=flip)
    proof.derivation.check()
    assert proof.derivation[-1].after == proof.equation
    at = proof.equation.lhs.indices if lattice else proof.equation.lhs.args
    other = proof.equation.rhs.indices if lattice else proof.equation.rhs.args
    assert other == tuple(a if flip else -a for a in at)


def test_row_11_what_is_proved() -> None:
    proof = commutation()
    endless = (q, -sp.oo, sp.oo)
    assert proof.product.rhs == sp.Sum(F[q] * G[u - q], endless)
    assert proof.reversed_product.rhs == sp.Sum(G[q] * F[u - q], endless)
    assert commutation(flip=False).product.rhs == sp.Sum(F[q] * G[u + q], endless)
    assert isinstance(commutation(lattice=False).product.rhs, sp.Integral)


def test_row_11_numbers() -> None:
    """NumPy's own products behave as proved: convolve commutes, correlate only up to a flip."""
    f, g = np.array([1, 2, 5]), np.array([3, 0, -1, 4])
    assert (np.convolve(f, g) == np.convolve(g, f)).all()
    assert not (np.correlate(f, g, "full") == np.correlate(g, f, "full")).all()
    assert (np.correlate(f, g, "full") == np.correlate(g, f, "full")[::-1]).all()


def test_row_11_the_integral_by_evaluation() -> None:
    """Two functions that are not alike: the two integrals agree, and the two correlations do not."""
    t, s = sp.symbols("t s", real=True)
    f, g = sp.exp(-(t**2)), t * sp.exp(-(t**2)) + 2 * sp.exp(-2 * t**2)

    def product(a, b, sign):
        term = sp.expand(a.subs(t, s) * b.subs(t, t + sign * s))
        return sp.integrate(term, (s, -sp.oo, sp.oo))

    assert sp.simplify(product(f, g, -1) - product(g, f, -1)) == 0
    assert sp.simplify(product(f, g, 1) - product(g, f, 1)) != 0


@pytest.mark.parametrize("dim", [1, 2])
def test_row_11_counterexample(dim: int) -> None:
    """Cross-correlation does not commute: the listed entries, recomputed by loops."""
    example = commutation(dim, flip=False).counterexample
    fields = {"f": {}, "g": {}}
    for equation in example[:2]:
        fields[str(equation.lhs.base.label)][tuple(map(int, equation.lhs.indices))] = int(equation.rhs)

    def corr(a: dict, b: dict, at: tuple[int, ...]) -> int:
        return sum(n * b.get(tuple(p + d for p, d in zip(site, at, strict=True)), 0) for site, n in a.items())

    one = (1,) * dim
    assert corr(fields["f"], fields["g"], one) == example[2].rhs == 1
    assert corr(fields["g"], fields["f"], one) == example[3].rhs == 0
    assert commutation(dim).counterexample is None


@pytest.mark.parametrize(
    ("dim", "options"),
    [
        (1, {}),
        (1, {"strides": ("s", "t"), "dilation": ("e", "f")}),
        (1, {"kernel_sizes": (2, 4), "strides": (2, 3), "dilation": (3, 1)}),
        (2, {"kernel_sizes": ((2, 3), 2), "strides": ((1, 2), 1)}),
        (3, {"kernel_sizes": (2, 2)}),
    ],
)
def test_row_19_proved(dim: int, options: dict) -> None:
    stack = composition(dim, **options)
    stack.derivation.check()
    assert stack.derivation[-1].after[1] == stack.kernel


STACKS = list(itertools.product((1, 2), (1, 2), (1, 2), ((2, 3), (3, 1))))


@pytest.mark.parametrize(("stride", "e1", "e2", "sizes"), STACKS)
def test_row_19_numbers(stride: int, e1: int, e2: int, sizes: tuple[int, int]) -> None:
    """Two layers by loops, one after the other, are one layer by loops with the composed kernel."""
    rng = np.random.default_rng(5)
    k1, k2 = rng.integers(1, 9, (1, 2, 3, sizes[0])), rng.integers(1, 9, (1, 2, 2, sizes[1]))
    x = rng.integers(-9, 10, (1, 3, 19)).astype(object)
    first = Case((19,), sizes[:1], (stride,), (e1,), "VALID", channels=(3, 2))
    y = first.conv(x, k1)
    second = Case((y.shape[-1],), sizes[1:], (1,), (e2,), "VALID", channels=(2, 2))
    z = second.conv(y, k2)
    hwio = [np.moveaxis(k[0], (0, 1), (2, 1)) for k in (k1, k2)]
    composed = np.array(compose_kernels(*hwio, strides=stride, dilation=(e1, e2)).tolist())
    field = receptive_field(sizes, strides=(stride, 1), dilation=(e1, e2))
    assert len(composed) == field
    whole = Case((19,), (int(field),), (stride,), (1,), "VALID", channels=(3, 2))
    np.testing.assert_array_equal(whole.conv(x, np.moveaxis(composed, (1, 2), (1, 0))[None]), z)
    stack = composition(1, kernel_sizes=sizes, strides=(stride, 1), dilation=(e1, e2))
    assert stack.taps == (field,)
    shape = (2, 3, int(field))
    printed = table(stack.kernel, shape, {"B": 2}, {"K1": k1[0], "K2": k2[0]})
    np.testing.assert_array_equal(printed, np.moveaxis(composed, (1, 2), (1, 0)))


def test_row_19_minkowski_sum() -> None:
    """box(1) twice is box(2), and the kernels of one channel convolve as NumPy convolves them."""
    a, b = np.array([1, 2, 3]), np.array([5, 7, 11])
    assert compose_kernels(a, b).tolist() == np.convolve(a, b).tolist()
    ones = np.ones((3, 3), int)
    twice = np.array(compose_kernels(ones, ones, dim=2).tolist())
    assert twice.shape == (5, 5)
    assert twice.all()
    assert twice[0].tolist() == [1, 2, 3, 2, 1]


def test_row_19_receptive_field() -> None:
    """1 + sum d_l (k_l - 1) prod earlier strides, against the sites that a stack of layers really reads."""
    layers = [(3, 2, 1), (2, 1, 3), (4, 2, 2), (3, 1, 1)]
    sites = {0}
    for k, s, e in reversed(layers):
        sites = {s * p + e * d for p in sites for d in range(k)}
    kernel_sizes, strides, dilation = zip(*layers, strict=True)
    assert receptive_field(kernel_sizes, strides, dilation) == max(sites) - min(sites) + 1
    assert receptive_field(["k"] * 3) == sp.Symbol("k", integer=True, positive=True) * 3 - 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: commutation(0), "dim must be a positive integer, got 0; give 1 or more"),
        (lambda: commutation("n"), "dim must be a number, not a symbol, got n; give an integer >= 1"),
        (lambda: composition(1, kernel_sizes=(3, 0)), "kernel_sizes must be a positive integer or a symbol"),
        (lambda: composition(1, strides=(1, 2, 3)), "strides must be one number or 2 of them"),
        (
            lambda: compose_kernels([1, 2], [[1, 2]]),
            "first, second must both have 1 axes, or 3 with",
        ),
        (
            lambda: compose_kernels(np.ones((2, 1, 3), int), np.ones((2, 2, 1), int)),
            "second must read the channels that first writes, got 2; give 3",
        ),
        (lambda: compose_kernels([1], [1], strides="s"), "strides must be numbers here, got (s,); give"),
        (lambda: compose_kernels([1.5], [1]), "first must have exact entries, got 1.5"),
        (lambda: receptive_field([3, -1]), "kernel_sizes must be a positive integer or a symbol, got -1"),
    ],
)
def test_errors(call, message: str) -> None:
    with pytest.raises(dv.DeriveError) as error:
        call()
    assert str(error.value).startswith(message)
