"""Arrays moved by group elements: against the exact matrices of `derive`, site by site."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import derive as dv
import kernels as kn
from tests.kernels.action import brute

WALLPAPERS = [
    *("p1", "p2", "pm", "pg", "cm", "pmm", "pmg", "pgg", "cmm"),
    *("p4", "p4m", "p4g", "p3", "p3m1", "p31m", "p6", "p6m"),
]
POINTS = [("C1", 1), ("D1", 1), ("D2diag", 2), ("D4", 2), ("T", 3), ("Th", 3), ("Oh", 3)]
FINITE = {
    "Z_5": lambda: dv.cyclic(5),
    "D_6": lambda: dv.dihedral(6),
    "S_4": lambda: dv.symmetric(4),
    "A_5": lambda: dv.alternating(5),
    "B_3": lambda: dv.hyperoctahedral(3),
    "S_3 x C_4": lambda: dv.symmetric(3) * dv.point_group("C4"),
    "S_3 wr 2": lambda: dv.wreath(dv.symmetric(3), 2),
    "a subgroup": lambda: dv.symmetric(4).subgroup(["c^2", "s*c"]),
}
LIE = {
    "SO(3)": lambda: dv.special_orthogonal(3),
    "O(2)": lambda: dv.orthogonal(2),
    "Lorentz": lambda: dv.lorentz(full=True),
    "SL(2)": lambda: dv.special_linear(2),
    "Sp(2)": lambda: dv.symplectic(1),
    "SO(2) x S_3": lambda: dv.special_orthogonal(2) * dv.symmetric(3),
}


def every_fibre(P: Any) -> Any:
    """Trivial, sign, regular, irreducible, defining and tensor fibres, side by side."""
    parts = [2 * dv.trivial(P), dv.sign(P), *irreducible(P)]
    parts += [dv.regular(P)] if P.order <= 12 else []
    if P.dim is not None:
        V = dv.defining(P)
        parts += [V * V, V * dv.sign(P), dv.sym(V, 2)]
    return reduce(lambda a, b: a + b, parts)


def irreducible(P: Any) -> Any:
    """The irreducible representations, of cyclic and dihedral groups."""
    try:
        return dv.irreps(P)
    except dv.DeriveError:
        return [dv.sign(P)]


def words(space: Any, rng: np.random.Generator, many: int) -> list[list[tuple[str, int]]]:
    """Every generator, and random words."""
    names = list(space.motions)
    found = [[(name, 1)] for name in names]
    for _ in range(many):
        found.append([(names[rng.integers(len(names))], int(rng.integers(-2, 3))) for _ in range(3)])
    return [w for w in found if all(e for _, e in w)]


def text(word: Any) -> str:
    return "*".join(f"{g}^{e}" for g, e in word)


def drawn(rng: np.random.Generator, shape: Any, fibre: Any) -> np.ndarray:
    return rng.normal(size=(*shape, int(fibre.dim)))


@pytest.mark.parametrize("name", WALLPAPERS)
def test_wallpaper_groups_on_rings(name: str, rng: Any) -> None:
    G = dv.wallpaper(name)
    x = dv.Field(G, fibre=every_fibre(G.point), grid=(4, 4), boundary="periodic")
    a = drawn(rng, (4, 4), x.fibre)
    for word in words(G, rng, 2):
        np.testing.assert_allclose(kn.act(x, text(word), a), brute.on_ring(x, word, a), atol=1e-12)


@pytest.mark.parametrize("name", WALLPAPERS)
def test_wallpaper_groups_on_windows(name: str, rng: Any) -> None:
    """Moved about the middle, or refused, exactly where some motion of the group keeps the window."""
    G = dv.wallpaper(name)
    x = dv.Field(G, fibre=dv.trivial(G.point) + dv.sign(G.point))
    kept = 0
    for word in [[(g, 1)] for g in G.point.generators] + [[(g, 2)] for g in G.point.generators]:
        for grid in [(4, 4), (5, 5), (4, 5)]:
            a = drawn(rng, grid, x.fibre)
            expected = brute.on_window(x, word, a)
            if expected is None:
                with pytest.raises(kn.KernelError, match="must be carried onto itself by"):
                    kn.act(x, text(word), a)
            else:
                kept += 1
                np.testing.assert_allclose(kn.act(x, text(word), a), expected, atol=1e-12)
    assert kept or name in ("p1", "p3", "p6")


@pytest.mark.parametrize(
    ("name", "dim"),
    [pytest.param(*p, marks=pytest.mark.slow if p[0] in ("T", "Th", "Oh") else ()) for p in POINTS],
)
def test_point_groups_about_a_centred_grid(name: str, dim: int, rng: Any) -> None:
    """Without translations: on its own grid, which ends or wraps, and with them on a window."""
    P = dv.point_group(name, dim=dim)
    for boundary in (None, "periodic"):
        x = dv.Field(P, fibre=every_fibre(P), grid=(3,) * dim, boundary=boundary)
        a = drawn(rng, (3,) * dim, x.fibre)
        for word in words(x.group, rng, 1):
            np.testing.assert_allclose(kn.act(x, text(word), a), brute.on_ring(x, word, a), atol=1e-12)
    x = dv.Field(dv.space_group(P), fibre=dv.defining(P))
    a = drawn(rng, (4,) * dim, x.fibre)
    for word in [[(g, 1)] for g in P.generators]:
        np.testing.assert_allclose(kn.act(x, text(word), a), brute.on_window(x, word, a), atol=1e-12)


def test_spacings_offsets_and_centres(rng: Any) -> None:
    half = Fraction(1, 2)
    P = dv.point_group("D4")
    G = dv.space_group(P, period=4, centre=half)
    for spacing, offset in ((1, 0), (2, half), (2, Fraction(3, 2)), (4, half)):
        x = dv.Field(
            G, fibre=dv.regular(P), spacing=spacing, offset=(offset, offset), grid=(4, 4), boundary="periodic"
        )
        a = drawn(rng, (4, 4), x.fibre)
        for word in words(G, rng, 2):
            np.testing.assert_allclose(kn.act(x, text(word), a), brute.on_ring(x, word, a), atol=1e-12)


def test_spacings_that_differ_under_a_shear(rng: Any) -> None:
    """P = S^-1 M S is not M: a mirror that takes (0, 1) to (1, -1), on sites two apart along v."""
    sheared = dv.matrix_group({"m": [[1, 1], [0, -1]]})
    G = dv.space_group(sheared, period=(1, 2))
    x = dv.Field(G, fibre=dv.regular(sheared), spacing=(1, 2), grid=(4, 4), boundary="periodic")
    a = drawn(rng, (4, 4), x.fibre)
    for word in words(G, rng, 2):
        np.testing.assert_allclose(kn.act(x, text(word), a), brute.on_ring(x, word, a), atol=1e-12)


def test_one_axis_wraps_and_the_other_ends(rng: Any) -> None:
    """A mirror and a half turn: along the ring as space moves, along the other axis about the middle."""
    G = dv.space_group(dv.point_group("D2"), period=(2, 1), centre=(1, 0))
    x = dv.Field(G, fibre=dv.regular(G.point), grid=(6, 5), boundary=("periodic", "zero"))
    a = drawn(rng, (6, 5), x.fibre)
    u, v = np.arange(6), np.arange(5)
    for name, sign in (("m", 1), ("r", -1)):
        moved = a[np.ix_((2 - u) % 6, v[::sign])] @ brute.rho(x.fibre, [(name, 1)]).T
        np.testing.assert_allclose(kn.act(x, name, a), moved, atol=1e-12)
    np.testing.assert_allclose(kn.act(x, "t_u^2*m", a), np.roll(kn.act(x, "m", a), 4, axis=0), atol=0)
    np.testing.assert_array_equal(kn.act(x, (-2, 0), a), np.roll(a, -2, axis=0))
    with pytest.raises(kn.ShapeError, match="'t_v', got a shift along v, which leaves an array that ends"):
        kn.act(x, (0, 1), a)


@pytest.mark.parametrize("name", FINITE)
def test_finite_groups_without_a_lattice(name: str, rng: Any) -> None:
    """Words and numbers of elements, on sums, products and powers of permutations, signs and irreducibles."""
    G = FINITE[name]()
    V = dv.permutation(G) if G.degree else dv.trivial(G)
    fibre = 2 * dv.sign(G) + irreducible(G)[-1] * irreducible(G)[-1]
    fibre = fibre + (V * V + dv.sym(V, 2) + dv.alt(V, 2) if G.degree else V)
    a = drawn(rng, (2, 3), fibre)
    for word in words(fibre_space(G), rng, 2):
        np.testing.assert_allclose(kn.act(fibre, text(word), a), a @ brute.rho(fibre, word).T, atol=1e-12)
    element = int(rng.integers(G.order))
    expected = a @ brute.rho(fibre, G.elements.word(element)).T
    np.testing.assert_allclose(kn.act(fibre, element, a), expected, atol=1e-12)
    np.testing.assert_allclose(kn.act(fibre, np.int64(element), a), expected, atol=1e-12)


def fibre_space(G: Any) -> Any:
    """The names of a group's generators, where `words` looks for them."""
    return type("Names", (), {"motions": dict.fromkeys(G.generators)})


@pytest.mark.parametrize("name", LIE)
def test_lie_groups(name: str, rng: Any) -> None:
    """exp of the exact matrices of the whole representation; factors are moved one by one."""
    G = LIE[name]()
    V = dv.defining(G)
    fibre = V * V + 2 * V.dual + dv.sym(V, 2) + dv.trivial(G)
    given = {g: float(t) for g, t in zip(G.algebra, rng.normal(size=len(G.algebra)), strict=True)}
    exact = [np.array(fibre.matrix(g).tolist(), dtype=float) * t for g, t in given.items()]
    moved = np.asarray(jax.scipy.linalg.expm(jnp.asarray(sum(exact))))
    a = drawn(rng, (3,), fibre)
    np.testing.assert_allclose(kn.act(fibre, given, a), a @ moved.T, rtol=1e-9, atol=1e-9)
    for g in G.discrete:
        both = a @ brute.rho(fibre, [(g, 1)]).T @ moved.T
        np.testing.assert_allclose(kn.act(fibre, {**given, g: 1}, a), both, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(kn.act(fibre, (given, g), a), both, rtol=1e-9, atol=1e-9)


def test_parameters_may_be_traced(rng: Any) -> None:
    """d/dt exp(t X) v at 0 is X v, and jit sees the parameter as an array."""
    V = dv.defining(dv.special_orthogonal(3))
    a = jnp.asarray(drawn(rng, (), V * V))
    X = np.array((V * V).matrix("x01").tolist(), dtype=float)
    moved = lambda t: kn.act(V * V, {"x01": t}, a)  # noqa: E731
    np.testing.assert_allclose(jax.jacfwd(moved)(0.0), X @ a, atol=1e-12)
    np.testing.assert_allclose(jax.jit(moved)(0.3), moved(0.3), atol=1e-12)
    np.testing.assert_allclose(jax.jacrev(moved)(0.3), X @ moved(0.3), atol=1e-12)


def test_large_tensor_powers_are_never_written_out() -> None:
    """V^6 of S_8 has 262144 channels; its matrix would have 7e10 entries."""
    V = dv.permutation(dv.symmetric(8))
    a = np.arange(8.0**6, dtype=np.float32)
    order = np.argsort((np.arange(8) + 1) % 8)
    expected = a.reshape((8,) * 6)[np.ix_(*[order] * 6)].reshape(-1)
    np.testing.assert_array_equal(kn.act(V**6, "c", a), expected)


# ---- laws ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["p4g", "p6m", "cmm"])
def test_products_and_inverses(name: str, rng: Any) -> None:
    G = dv.wallpaper(name)
    x = dv.Field(G, fibre=dv.regular(G.point), grid=(6, 6), boundary="periodic")
    a = drawn(rng, (6, 6), x.fibre)
    for _ in range(3):
        g, h = (kn.random_element(G, jax.random.key(int(rng.integers(1000)))) for _ in range(2))
        one_by_one = kn.act(x, g, kn.act(x, h, a))
        np.testing.assert_array_equal(kn.act(x, (g, h), a), one_by_one)
        np.testing.assert_array_equal(kn.act(x, f"({g})*({h})", a), one_by_one)
        np.testing.assert_array_equal(kn.act(x, f"({g})^-1", kn.act(x, g, a)), a)


def test_products_on_windows(rng: Any) -> None:
    G = dv.wallpaper("p4m")
    x = dv.Field(G, fibre=dv.regular(G.point))
    a = drawn(rng, (4, 4), x.fibre)
    for g, h in itertools.product(range(8), repeat=2):
        both = int(G.point.elements.table[g, h])
        np.testing.assert_array_equal(kn.act(x, both, a), kn.act(x, g, kn.act(x, h, a)))


# ---- as a JAX function -----------------------------------------------------------------------------------


def test_jit_vmap_and_gradients(rng: Any) -> None:
    """The adjoint of g is that of its inverse transpose; batches may stand anywhere."""
    for name, grid in (("p4m", (4, 4)), ("p6", (4, 4))):
        G = dv.wallpaper(name)
        x = dv.Field(G, fibre=dv.regular(G.point) + dv.irreps(G.point)[-1], grid=grid, boundary="periodic")
        a, b = (jnp.asarray(drawn(rng, (3, *grid), x.fibre)) for _ in range(2))
        moved = lambda a, x=x: kn.act(x, "t_u*r", a)  # noqa: E731
        expected = moved(a)
        np.testing.assert_array_equal(jax.jit(moved)(a), expected)
        np.testing.assert_allclose(
            jax.vmap(moved, 1, 1)(a.swapaxes(0, 1)).swapaxes(0, 1), expected, atol=1e-13
        )
        (back,) = jax.vjp(moved, a)[1](b)
        dual = dv.Field(G, fibre=x.fibre.dual, grid=grid, boundary="periodic")
        np.testing.assert_allclose(back, kn.act(dual, "(t_u*r)^-1", b), atol=1e-12)
        np.testing.assert_allclose(jax.jvp(moved, (a,), (b,))[1], moved(b), atol=1e-13)


DTYPES = ("float64", "float32", "bfloat16", "float16", "complex64", "int32", "int8", "uint8", "bool")


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_kept(dtype: str) -> None:
    """Permutations move anything; signs and whole matrices what has signs; rotations floats."""
    G = dv.wallpaper("p4m")
    a = jnp.arange(2 * 9 * 8).reshape(2, 3, 3, 8) % 7
    regular, vector = dv.Field(G, fibre=dv.regular(G.point)), dv.Field(G, fibre=4 * dv.defining(G.point))
    expected = np.asarray(kn.act(regular, "r", a.astype(int)))
    moved = kn.act(regular, "r", a.astype(dtype))
    assert moved.dtype == dtype
    np.testing.assert_array_equal(moved, jnp.asarray(expected).astype(dtype))
    signed = jnp.issubdtype(dtype, jnp.signedinteger) or jnp.issubdtype(dtype, jnp.inexact)
    if signed:
        expected = np.asarray(kn.act(vector, "r", a.astype(int)))
        np.testing.assert_array_equal(
            kn.act(vector, "r", a.astype(dtype)), jnp.asarray(expected).astype(dtype)
        )
    else:
        with pytest.raises(kn.DtypeError, match="x must have signs, since the fibre's numbers change sign"):
            kn.act(vector, "r", a.astype(dtype))
    turned = 4 * dv.irreps(dv.point_group("C6"))[-1]
    if jnp.issubdtype(dtype, jnp.inexact):
        full = np.asarray(a, float) @ brute.rho(turned, [("r", 1)]).T
        units = float(jnp.finfo(dtype).eps) * 20
        np.testing.assert_allclose(
            np.asarray(kn.act(turned, "r", a.astype(dtype))).astype(complex), full, atol=units * 8
        )


def test_complex_phases(rng: Any) -> None:
    Z3 = dv.cyclic(3)
    root = sympy.exp(2 * sympy.pi * sympy.I / 3)
    V = dv.Representation(Z3, {"r": [[root]]})
    a = drawn(rng, (4,), V)
    expected = a * np.exp(2j * np.pi / 3)
    np.testing.assert_allclose(kn.act(V, "r", a.astype(complex)), expected, atol=1e-14)
    with pytest.raises(
        kn.DtypeError, match="x must be complex, since the fibre's phases are, got float64; make it"
    ):
        kn.act(V, "r", a)


def test_what_people_give(rng: Any) -> None:
    """Lists, NumPy arrays, single samples, batches, empty ones, channels by name."""
    G = dv.wallpaper("p4m")
    x = dv.Field(G, channels="C")
    a = drawn(rng, (2, 0, 3, 3), dv.trivial(G.point))
    assert kn.act(x, "r", a).shape == (2, 0, 3, 3, 1)
    for channels in (1, 3, 0):
        b = rng.normal(size=(3, 3, channels))
        np.testing.assert_array_equal(kn.act(x, "r", b), np.rot90(b))
    V = dv.permutation(dv.symmetric(3))
    assert kn.act(V, "c", [1, 2, 3]).tolist() == [3, 1, 2]
    assert kn.act(V, "1", [1, 2, 3]).tolist() == kn.act(V, (), [1, 2, 3]).tolist() == [1, 2, 3]
    torus = dv.Field(dv.translations(2), grid=("H", "W"), boundary="periodic")
    c = rng.normal(size=(5, 6, 1))
    for shift in ((1, -2), [1, -2], np.array([1, -2]), (np.int8(1), -2)):
        np.testing.assert_array_equal(kn.act(torus, shift, c), np.roll(c, (1, -2), (0, 1)))
