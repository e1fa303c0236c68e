"""Differential operators on grids: exact on polynomials, of the stated order, turning with the lattice."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import permutations, product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import derive as dv
import kernels as kn
from kernels.differential import central


@cache
def operators(n: int, into: int, out: int, order: int) -> Any:
    """All operators of an order between harmonic fields of SO(n)."""
    G = dv.special_orthogonal(n)
    E = dv.euclidean(n, G)
    x, y = (dv.Field(E, fibre=dv.irrep(G, k)) for k in (into, out))
    return dv.solve(x, y).differential(order)


def grad(n: int) -> Any:
    return operators(n, 0, 1, 1)[0]


def div(n: int) -> Any:
    return operators(n, 1, 0, 1)[0]


def curl() -> Any:
    return operators(3, 1, 1, 1)[0]


SOME: dict[str, Callable[[], Any]] = {
    "grad 2": lambda: grad(2),
    "div 3": lambda: div(3),
    "curl": curl,
    "grad div": lambda: operators(3, 1, 1, 2)[1],
    "Laplacian": lambda: operators(2, 0, 0, 2)[0],
    "biharmonic": lambda: operators(2, 0, 0, 4)[0],
    "frequencies": lambda: operators(2, 1, 3, 2)[1],
    "tensors": lambda: operators(3, 2, 1, 1)[0],
}


@pytest.mark.parametrize(("derivative", "accuracy"), list(product(range(7), (2, 4, 6))))
def test_stencils_are_exact_on_polynomials(derivative: int, accuracy: int) -> None:
    """The moments of the stencil: sum_k c_k k^m is m! for m = derivative, 0 for others below the accuracy."""
    found = central(derivative, accuracy)
    reach = len(found) // 2
    for m in range(derivative + accuracy if derivative else 1):
        moment = sum(c * Fraction(k) ** m for k, c in enumerate(found, -reach))
        assert moment == (sp.factorial(m) if m == derivative else 0)
    assert found == tuple(c * (-1) ** derivative for c in reversed(found))


def test_usual_stencils() -> None:
    assert central(1, 2) == (Fraction(-1, 2), 0, Fraction(1, 2))
    assert central(2, 2) == (1, -2, 1)
    assert central(4, 2) == (1, -4, 6, -4, 1)
    assert central(1, 6)[4:] == (Fraction(3, 4), Fraction(-3, 20), Fraction(1, 60))


@pytest.mark.parametrize("accuracy", [2, 4, 6])
@pytest.mark.parametrize("name", SOME)
def test_exact_on_polynomials_of_the_stated_degree(name: str, accuracy: int) -> None:
    """Against SymPy's derivatives, with spacings of their own along every axis; one degree more is not."""
    operator = SOME[name]()
    n = operator.dim
    spacing = (0.5, 0.25, 2.0)[:n]
    op = kn.lower(operator, spacing=spacing, accuracy=accuracy, padding="VALID")
    letters = sp.symbols(f"x0:{n}")
    sites = [h * np.arange(w + 1) for h, w in zip(spacing, op.window, strict=True)]
    grid = np.meshgrid(*sites, indexing="ij")
    rng = np.random.default_rng(accuracy)
    weights = rng.integers(1, 5, size=(op.channels_in, n))
    inner = tuple(slice(w // 2, w // 2 + 2) for w in op.window)

    def error(degree: int) -> float:
        fields = [sum(int(k) * a for k, a in zip(row, letters, strict=True)) ** degree for row in weights]
        values = np.stack([sp.lambdify(letters, f)(*grid) + 0 * grid[0] for f in fields], -1)
        wanted = [sp.lambdify(letters, f)(*grid) + 0 * grid[0] for f in operator(fields, letters)]
        exact = np.stack(wanted, -1)[inner]
        with jax.enable_x64(True):
            found = np.asarray(op(jnp.asarray(values / abs(values).max())))
        return float(abs(found * abs(values).max() - exact).max() / (abs(exact).max() + abs(values).max()))

    assert op.exact_degree == operator.order + accuracy - 1
    assert error(op.exact_degree) < 1e-11
    assert error(op.exact_degree + 1) > 1e-9


@pytest.mark.parametrize("accuracy", [2, 4, 6])
@pytest.mark.parametrize("name", ["curl", "Laplacian", "biharmonic", "frequencies"])
def test_errors_on_plane_waves_fall_as_stated(name: str, accuracy: int) -> None:
    """On exp(i k x) the operator multiplies by its symbol K(i k), but for h^accuracy."""
    operator = SOME[name]()
    k = np.array([0.9, -0.7, 0.5])[: operator.dim]
    put = dict(zip(operator.letters, [sp.I * sp.Rational(c) for c in k.tolist()], strict=True))
    symbol = np.array(operator.matrix.subs(put).tolist(), dtype=complex)

    def error(h: float) -> float:
        op = kn.lower(operator, spacing=h, accuracy=accuracy)
        taps = op.kernel
        reach = [w // 2 for w in op.window]
        places = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), -1)
        waves = np.exp(1j * h * (places @ k))
        return float(abs(np.tensordot(waves, taps, operator.dim).T - symbol).max())

    rate = np.log2(error(0.4) / error(0.2))
    assert abs(rate - accuracy) < 0.15


def turns(n: int) -> list[np.ndarray]:
    """Rotations that take Z^n to itself."""
    found = []
    for order in permutations(range(n)):
        for signs in product((1, -1), repeat=n):
            m = np.zeros((n, n), dtype=int)
            m[range(n), order] = signs
            if round(np.linalg.det(m)) == 1:
                found.append(m)
    return found


def turned(x: np.ndarray, m: np.ndarray) -> np.ndarray:
    """(g x)(p) = x(g^-1 p) about the middle of a cube; channels stay."""
    order = [int(np.flatnonzero(row)[0]) for row in m]
    y = np.transpose(x, [*order, x.ndim - 1])
    return np.flip(y, [i for i, row in enumerate(m) if row.sum() < 0])


def rho(n: int, frequency: int, m: np.ndarray) -> np.ndarray:
    """How a turn of the lattice acts on harmonic polynomials of a degree, in numbers."""
    from derive.symmetry.harmonics import harmonic_images

    (image,) = harmonic_images([sp.ImmutableMatrix(m.tolist())], [False], frequency)
    return np.array(image.tolist(), dtype=float)


@pytest.mark.parametrize("padding", ["SAME", "CIRCULAR", "VALID"])
@pytest.mark.parametrize(
    ("n", "into", "out", "order"), [(2, 0, 1, 1), (2, 1, 3, 2), (3, 1, 1, 1), (3, 1, 1, 2), (3, 1, 2, 1)]
)
def test_turns_of_the_lattice_commute(n: int, into: int, out: int, order: int, padding: str) -> None:
    """On integers nothing is rounded but the sums of accuracy 2, so nothing is left of the difference."""
    op = kn.lower(operators(n, into, out, order), accuracy=2, padding=padding)
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 8, size=(*(6,) * n, op.channels_in)).astype(float)
    with jax.enable_x64(True):
        w = jnp.asarray(rng.integers(1, 4, size=op.dim).astype(float))
        y = np.asarray(op(w, jnp.asarray(x)))
        for m in turns(n)[::3]:
            moved = np.asarray(op(w, jnp.asarray(turned(x, m) @ rho(n, into, m).T)))
            assert np.allclose(moved, turned(y, m) @ rho(n, out, m).T, atol=1e-11)


@pytest.mark.parametrize("accuracy", [2, 4])
@pytest.mark.parametrize("padding", ["SAME", "CIRCULAR", "VALID"])
def test_curl_grad_and_div_curl_vanish(padding: str, accuracy: int) -> None:
    """Whatever the border, as matrices; for integers of accuracy 2 nothing at all is left."""
    G, C, D = (kn.lower(op, padding=padding, accuracy=accuracy) for op in (grad(3), curl(), div(3)))
    rng = np.random.default_rng(1)
    side = 4 * accuracy + 1
    f = jnp.asarray(rng.integers(-9, 9, size=(side, side, side, 1)), jnp.float32)
    u = jnp.asarray(rng.integers(-9, 9, size=(side, side, side, 3)), jnp.float32)
    left = [float(abs(C(G(f))).max()), float(abs(D(C(u))).max())]
    assert left == [0, 0] if accuracy == 2 else max(left) < 1e-4
    assert float(abs(C(u)).max()) > 1


def test_div_grad_is_a_laplacian_on_every_second_site() -> None:
    """The three-point Laplacian is another matrix; both differentiate quadratic polynomials exactly."""
    G, D, L = (kn.lower(op, padding="CIRCULAR") for op in (grad(1 + 1), div(2), operators(2, 0, 0, 2)[0]))
    wide, near = (D.dense((8, 8)) @ G.dense((8, 8))), L.dense((8, 8))
    assert not np.allclose(wide, near)
    assert sorted(set(np.round(near[0], 12))) == [-4, 0, 1]
    assert sorted(set(np.round(wide[0], 12))) == [-1, 0, 0.25]


@pytest.mark.parametrize("padding", ["SAME", "CIRCULAR", "VALID"])
def test_the_dense_matrix_is_the_op(padding: str) -> None:
    op = kn.lower(operators(2, 1, 1, 2), padding=padding, spacing=(1, 2))
    x = jax.random.normal(jax.random.key(0), (5, 6, 2))
    w = op.init(jax.random.key(1))
    assert np.allclose(op.dense(w, (5, 6)) @ np.ravel(x), np.ravel(op(w, x)), atol=1e-4)
    assert np.allclose(op.kernel(w), np.tensordot(np.asarray(w), op.taps.array, 1), atol=1e-5)


def test_it_is_an_op_like_others() -> None:
    """jit, vmap, batches, gradients to weights and fields, dtypes, hashing, pickling."""
    op = kn.lower(operators(2, 0, 0, 2)[0], accuracy=4)
    x = jax.random.normal(jax.random.key(0), (2, 3, 7, 8, 1))
    y = op(x)
    assert y.shape == x.shape
    assert np.allclose(jax.jit(op)(x), y, atol=1e-5)
    assert np.allclose(jax.vmap(op)(x), y, atol=1e-5)
    assert op(x[0, 0]).shape == (7, 8, 1)
    assert op(x[:0]).shape == (0, 3, 7, 8, 1)
    assert op(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16
    assert op(np.ones((7, 8, 1), np.float32)).dtype == jnp.float32
    slope = jax.grad(lambda a: (op(a) ** 2).sum())(x[0, 0])
    M = op.dense((7, 8))
    assert np.allclose(np.ravel(slope), 2 * M.T @ M @ np.ravel(x[0, 0]), atol=1e-3)
    same = kn.lower(operators(2, 0, 0, 2)[0], accuracy=4)
    assert (same, hash(same)) == (op, hash(op))
    assert op != kn.lower(operators(2, 0, 0, 2)[0], accuracy=2)
    assert pickle.loads(pickle.dumps(op)) == op
    total = kn.lower(operators(3, 1, 1, 2))
    w = total.init(jax.random.key(0))
    bar = jax.grad(lambda a: total(a, jnp.ones((4, 4, 4, 3))).sum())(w)
    assert bar.shape == w.shape == (total.dim,) == (2,)
    noise = jax.random.normal(jax.random.key(2), (12, 12, 12, 3))
    draws = jax.vmap(total.init)(jax.random.split(jax.random.key(3), 64))
    assert 0.7 < float(jax.vmap(lambda a: total(a, noise))(draws)[:, 2:-2, 2:-2, 2:-2].std()) < 1.4


def test_copies_and_finite_groups() -> None:
    """Two scalars to vectors: the gradient of either."""
    G = dv.point_group("C8", dim=2)
    E = dv.euclidean(2, G)
    x, y = dv.Field(E, fibre=2 * dv.trivial(G)), dv.Field(E, fibre=dv.defining(G))
    op = kn.lower(dv.solve(x, y, max_degree=1).differential(1))
    assert (op.channels_in, op.channels_out, op.dim) == (2, 2, 4)
    assert op(jnp.ones(4), jnp.ones((5, 5, 2))).shape == (5, 5, 2)


def test_no_operator_gives_zeros() -> None:
    op = kn.lower(operators(3, 0, 0, 1))
    assert op.dim == 0
    assert float(abs(op(op.init(jax.random.key(0)), jnp.ones((4, 4, 4, 1)))).max()) == 0


def test_more_than_three_axes() -> None:
    op = kn.lower(grad(4))
    assert op(jnp.ones((3, 3, 3, 3, 1))).shape == (3, 3, 3, 3, 4)


def test_how_it_shows_itself() -> None:
    op = kn.lower(curl(), spacing=0.1, accuracy=4, padding="CIRCULAR")
    assert repr(op) == "DifferentialOp(3 -> 3 channels on R^3, order 1, accuracy 4, CIRCULAR)"
    assert op.describe().splitlines() == [
        "DifferentialOperator(curl = [d]_x, order=1)",
        "central differences of accuracy 4: the error falls as h^4, polynomials of degree 4 are exact",
        "one convolution, window 5 x 5 x 5, spacing 0.1 x 0.1 x 0.1, padding CIRCULAR",
    ]
    total = kn.lower(operators(3, 1, 1, 2))
    assert repr(total) == "DifferentialSum(3 -> 3 channels on R^3, order 2, accuracy 2, SAME)"
    assert "2 differential operators of order 2" in total.describe()


PLAIN = dv.solve(dv.Field(dv.translations(1)), dv.Field(dv.translations(1)), support=dv.box(1))
BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: kn.lower(curl(), accuracy=3), r"accuracy must be one of \(2, 4, 6\), got 3"),
    (lambda: kn.lower(curl(), accuracy=True), r"accuracy must be one of"),
    (
        lambda: kn.lower(curl(), spacing=(1, 2)),
        "spacing must be one positive length, or one for each of the 3 axes",
    ),
    (lambda: kn.lower(curl(), spacing=0), "spacing must be one positive length"),
    (lambda: kn.lower(curl(), spacing="wide"), "spacing must be one positive length"),
    (lambda: kn.lower(curl(), spacing=np.inf), "spacing must be one positive length"),
    (lambda: kn.lower(curl(), padding="REFLECT"), "padding must be one of .*SAME.* for differences"),
    (lambda: kn.lower(curl(), channels=(3, 3)), "channels has no meaning for a differential operator"),
    (lambda: kn.lower(curl(), radial=kn.radial.bessel(4, cutoff=2.0)), "radial has no meaning"),
    (lambda: kn.lower(PLAIN, spacing=2.0), "spacing needs a solution on R.n and a window"),
    (lambda: kn.lower(PLAIN, accuracy=4), "accuracy needs a differential operator"),
    (lambda: kn.lower(curl())(jnp.ones((4, 4, 3))), r"x must have the shape \(batch..., 3 spatial axes, 3\)"),
    (
        lambda: kn.lower(operators(3, 1, 1, 2))(jnp.ones(3), jnp.ones((4, 4, 4, 3))),
        r"w must have the shape \(2,\)",
    ),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_input(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(kn.KernelError, match=message):
        make()
