"""Random space groups, fibres, grids and supports against a null space in floating point.

The oracle knows positions in space and matrices of generators: it lists every group element as an affine
map with its fibre matrices, moves every site by arithmetic, writes one equation per pair of sites, and asks
NumPy for the rank.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

import derive as dv

MOST_UNKNOWNS = 400
NORMAL = settings(max_examples=100, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=500, suppress_health_check=list(HealthCheck))


# ---- the oracle -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Element:
    """v -> M v + t with its fibre matrices."""

    matrix: np.ndarray
    shift: tuple[Fraction, ...]
    out: np.ndarray
    into: np.ndarray

    def of(self, v: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        return tuple(sum(int(m) * x for m, x in zip(row, v)) + t for row, t in zip(self.matrix, self.shift))  # noqa: B905


def floats(V: dv.Representation, name: str) -> np.ndarray:
    return np.array(V.matrix(name).evalf(30).tolist(), dtype=float)


def point_elements(stated: Stated) -> list[Element]:
    """The point group's elements, closed under multiplication, each with the translation it carries."""
    P, n = stated.point, stated.dim
    moves = []
    for name in P.generators:
        M = np.array(P.matrix(name).tolist(), dtype=int)
        fixed = [
            c - sum(int(m) * x for m, x in zip(row, stated.centre, strict=True)) + g
            for row, c, g in zip(M, stated.centre, stated.glide.get(name, (0,) * n), strict=True)
        ]
        moves.append(Element(M, tuple(fixed), floats(stated.out, name), floats(stated.into, name)))
    one = Element(np.eye(n, dtype=int), (Fraction(0),) * n, np.eye(stated.out.dim), np.eye(stated.into.dim))
    found = {key(one): one}
    frontier = [one]
    while frontier:
        fresh = []
        for g, h in product(moves, frontier):
            made = Element(g.matrix @ h.matrix, g.of(h.shift), g.out @ h.out, g.into @ h.into)
            if key(made) not in found:
                found[key(made)] = made
                fresh.append(made)
        frontier = fresh
        assert len(found) <= 48
    return list(found.values())


def key(e: Element) -> Any:
    """Elements that differ by a translation are one: the matrix tells them apart."""
    return e.matrix.tobytes()


@dataclass(frozen=True)
class Stated:
    """What one draw says, in the oracle's own terms."""

    point: dv.Group
    period: tuple[int, ...]
    centre: tuple[Fraction, ...]
    glide: dict[str, tuple[int, ...]]
    into: dv.Representation
    out: dv.Representation
    sites_in: int
    spacing: int
    boundary: str | None
    support: Any = None

    @property
    def dim(self) -> int:
        return len(self.period)

    @property
    def sites_out(self) -> int:
        return self.sites_in // self.spacing

    def fields(self) -> tuple[dv.Field, dv.Field]:
        if not any(self.period):
            G: Any = self.point
        else:
            G = dv.space_group(self.point, self.period, self.centre, self.glide)
        where = {"boundary": self.boundary}
        offset = self.offset if any(self.period) else None
        x = dv.Field(G, fibre=self.into, grid=[self.sites_in] * self.dim, **where)
        y = dv.Field(
            G, fibre=self.out, grid=[self.sites_out] * self.dim, spacing=self.spacing, offset=offset, **where
        )
        return x, y

    @property
    def offset(self) -> tuple[Fraction, ...]:
        """A strided output sits on the centre of the group."""
        return self.centre if self.spacing > 1 else (Fraction(0),) * self.dim

    def positions(self, side: str) -> list[tuple[Fraction, ...]]:
        n, step = (self.sites_in, 1) if side == "in" else (self.sites_out, self.spacing)
        start = self.offset if side == "out" else (Fraction(0),) * self.dim
        if not any(self.period):
            start = (-step * Fraction(n - 1, 2),) * self.dim
        return [
            tuple(step * k + o for k, o in zip(p, start, strict=True))
            for p in product(range(n), repeat=self.dim)
        ]


def generators(stated: Stated) -> list[Element]:
    """Where the group acts on the grid these are enough: the point generators and one step per axis."""
    one, *_ = found = point_elements(stated)
    words = [
        e for e in found if any((e.matrix == np.array(m, dtype=int)).all() for m in matrices(stated.point))
    ]
    steps = [tuple(Fraction(p * (i == j)) for j in range(stated.dim)) for i, p in enumerate(stated.period)]
    return words + [Element(one.matrix, step, one.out, one.into) for step in steps]


def every_element(stated: Stated) -> list[Element]:
    """On a window every element counts that leaves anything inside."""
    return [
        Element(e.matrix, tuple(s + t for s, t in zip(e.shift, shift, strict=True)), e.out, e.into)
        for e in point_elements(stated)
        for shift in translations(stated)
    ]


def translations(stated: Stated) -> list[tuple[int, ...]]:
    """All that keep a window in sight."""
    reach = range(-2 * stated.sites_in, 2 * stated.sites_in + 1)
    return list(product(*([t for t in reach if t % p == 0] for p in stated.period)))


def halves(points: Any) -> np.ndarray:
    """Positions in units of one half, which every site and centre here is a whole number of."""
    return np.array([[int(2 * x) for x in v] for v in points], dtype=int).reshape(len(points), -1)


def images(e: Element, sites: np.ndarray, wrap: int | None) -> np.ndarray:
    """The number of the site to which each site moves, -1 where it leaves the grid."""
    moved = sites @ e.matrix.T + halves([e.shift])[0]
    gap = moved[:, None] - sites[None]
    same = np.all(gap % (2 * wrap) == 0 if wrap else gap == 0, axis=2)
    return np.where(same.any(axis=1), same.argmax(axis=1), -1)


def equations(stated: Stated) -> tuple[np.ndarray, np.ndarray]:
    """A basis of the solutions as rows (i, p, c, q), and one of the biases as rows (i, p)."""
    outs, ins = halves(stated.positions("out")), halves(stated.positions("in"))
    wrap = stated.sites_in if stated.boundary == "periodic" else None
    shape = (stated.out.dim, len(outs), stated.into.dim, len(ins))
    place, bias = (
        np.arange(int(np.prod(shape))).reshape(shape),
        np.arange(shape[0] * shape[1]).reshape(shape[:2]),
    )
    normal, bias_normal = np.zeros((place.size,) * 2), np.zeros((bias.size,) * 2)
    for e in every_element(stated) if stated.boundary == "zero" else generators(stated):
        to_out, to_in = images(e, outs, wrap), images(e, ins, wrap)
        p, q = np.flatnonzero(to_out >= 0), np.flatnonzero(to_in >= 0)
        if len(p):
            bias_normal += square(bias[:, p].T, bias[:, to_out[p]].T, e.out, bias.size)
        if len(p) and len(q):
            p, q = (k.reshape(-1) for k in np.meshgrid(p, q))
            here, there = (place[:, i, :, j].reshape(len(p), -1) for i, j in ((p, q), (to_out[p], to_in[q])))
            normal += square(here, there, np.kron(e.out, np.linalg.inv(e.into).T), place.size)
    if stated.support is not None:
        gap = ins[None] - outs[:, None]
        near = [gap - 2 * np.array(d) for d in stated.support]
        far = ~np.any([np.all(d % (2 * wrap) == 0 if wrap else d == 0, axis=2) for d in near], axis=0)
        at = np.moveaxis(place, 1, 2)[:, :, far].reshape(-1)
        normal[at, at] += 1
    return kernel(normal), kernel(bias_normal)


def square(here: np.ndarray, there: np.ndarray, R: np.ndarray, size: int) -> Any:
    """The quadratic form of sum |A[there] - R A[here]|^2; one row of unknowns per pair of sites."""
    k, n = here.shape
    rows, wide = np.arange(k * n).reshape(k, n), (k, n, n)
    left = (np.ones(k * n), (rows.reshape(-1), there.reshape(-1)))
    across = (
        np.broadcast_to(rows[:, :, None], wide).reshape(-1),
        np.broadcast_to(here[:, None], wide).reshape(-1),
    )
    right = (np.broadcast_to(R, wide).reshape(-1), across)
    D = sparse.csr_matrix(left, (k * n, size)) - sparse.csr_matrix(right, (k * n, size))
    return D.T @ D


def kernel(normal: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(normal)
    return vectors[:, values < 1e-9 * max(1.0, values[-1])].T


# ---- the draws ------------------------------------------------------------------------------------------

GLIDES = [("pg", "D1", (1, 2), {"m": (0, 1)}), ("pmg", "D2", (2, 1), {"m": (1, 0)})]
GLIDES += [("pgg", "D2", (2, 2), {"m": (1, 1)}), ("p4g", "D4", (2, 2), {"m": (1, 1)})]
TURNS = [[[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, -1], [1, 1]], [[-1, -1], [1, 0]]]
MIRRORS = [[[-1, 0], [0, 1]], [[1, 0], [0, -1]], [[0, 1], [1, 0]], [[0, -1], [-1, 0]], [[1, 1], [0, -1]]]
SQUARE, HEXAGONAL = TURNS[:2] + MIRRORS[:4], TURNS[1:] + MIRRORS[2:]


@st.composite
def point_groups(draw: Any, square: bool = False) -> dv.Group:
    """Up to three integer matrices of one crystal system, in any order, repeats and identities included."""
    pool = SQUARE if square or draw(st.booleans()) else HEXAGONAL
    chosen = draw(st.lists(st.sampled_from([*pool, [[1, 0], [0, 1]]]), min_size=1, max_size=3))
    return dv.matrix_group(dict(zip("abc", chosen, strict=False)))


@st.composite
def fibres(draw: Any, P: dv.Group, most: int) -> dv.Representation:
    """Trivial, determinant, defining, regular, irreducible, their products and sums with copies."""
    kinds = ["trivial", "sign", "defining", "product"]
    kinds += ["regular"] if P.order <= most else []
    kinds += ["irrep"] if cyclic_or_dihedral(P) else []
    total = None
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=2)):
        V = made(draw, P, kind)
        if V.dim <= most and (total is None or V.dim + total.dim <= most):
            total = V if total is None else total + V
    return total if total is not None else dv.trivial(P)


def cyclic_or_dihedral(P: dv.Group) -> bool:
    try:
        return bool(dv.irreps(P))
    except dv.GroupError:
        return False


def made(draw: Any, P: dv.Group, kind: str) -> dv.Representation:
    if kind == "irrep":
        return draw(st.sampled_from(dv.irreps(P)))
    simple = {"trivial": dv.trivial, "sign": dv.sign, "defining": dv.defining, "regular": dv.regular}
    if kind == "product":
        return dv.defining(P) * dv.sign(P)
    return draw(st.integers(1, 2)) * simple[kind](P) if kind in ("trivial", "sign") else simple[kind](P)


@st.composite
def statements(draw: Any) -> Stated:
    kind = draw(st.sampled_from(["torus", "torus", "glide", "stride", "window", "still"]))
    zero = (Fraction(0),) * 2
    glide: dict[str, tuple[int, ...]] = {}
    period, centre, spacing, boundary = (1, 1), zero, 1, "periodic"
    if kind == "glide":
        _, name, period, glide = draw(st.sampled_from(GLIDES))
        P, n = dv.point_group(name), draw(st.sampled_from([2, 4]))
    elif kind == "stride":
        P, n, period, spacing = draw(point_groups()), 4, (2, 2), draw(st.sampled_from([1, 2]))
        centre = draw(st.sampled_from([zero, (Fraction(1),) * 2]))
        if all(m in SQUARE for m in matrices(P)):
            centre = draw(st.sampled_from([centre, (Fraction(1, 2),) * 2]))
    elif kind == "window":
        P, n, boundary = draw(point_groups()), draw(st.integers(1, 3)), "zero"
    elif kind == "still":
        P, n, boundary, period = draw(point_groups(square=True)), draw(st.integers(1, 3)), None, (0, 0)
    else:
        P, n = draw(point_groups()), draw(st.integers(1, 4))
    sites = n**2 * (n // spacing) ** 2
    most = max(MOST_UNKNOWNS // sites, 1)
    into = draw(fibres(P, min(most, 8)))
    out = draw(fibres(P, max(min(most // into.dim, 8), 1)))
    stated = Stated(P, period, centre, glide, into, out, n, spacing, boundary)
    reachable = kind in ("torus", "glide") or (kind == "stride" and centre == zero)
    return replace(stated, support=draw(supports(stated)) if reachable and n > 2 else None)


def matrices(P: dv.Group) -> list[Any]:
    return [P.matrix(g).tolist() for g in P.generators]


@st.composite
def supports(draw: Any, stated: Stated) -> Any:
    """Nothing, or a few displacements with all their images; at most half of a torus across."""
    if draw(st.booleans()):
        return None
    points = set(draw(st.sets(st.tuples(st.integers(-1, 1), st.integers(-1, 1)), min_size=1, max_size=3)))
    Ms = [np.array(m, dtype=int) for m in matrices(stated.point)]
    while True:
        images = {tuple(int(k) for k in M @ np.array(d)) for M in Ms for d in points} - points
        if not images:
            break
        points |= images
    wide = max(abs(k) for d in points for k in d)
    return sorted(points) if 2 * wide < stated.sites_in else None


# ---- the comparison -------------------------------------------------------------------------------------


def compare(stated: Stated) -> None:
    x, y = stated.fields()
    solution = dv.solve(x, y, stated.support)
    expected, biases = equations(stated)
    assert solution.dim == len(expected)
    assert solution.bias_dim == len(biases)
    assert solution.certificate.holds
    size = expected.shape[1]
    rows = [np.array(e.dense().tolist(), dtype=float).reshape(size) for e in solution.basis]
    basis = np.array(rows).reshape(len(rows), size)
    np.testing.assert_allclose(basis @ expected.T @ expected, basis, atol=1e-9)
    assert np.linalg.matrix_rank(basis) == len(basis) if len(basis) else True


@NORMAL
@given(statements())
def test_random_space_groups(stated: Stated) -> None:
    compare(stated)


@pytest.mark.slow
@LONG
@given(statements())
def test_many_random_space_groups(stated: Stated) -> None:
    compare(stated)


def compare_derivation(stated: Stated) -> None:
    """The derivation checks, and the counts at its end are those of the null space."""
    derivation = dv.solve(*stated.fields(), stated.support).derivation
    derivation.check()
    counts = [len(found) for found in equations(stated)]
    assert [eq.rhs.doit() for eq in derivation[-1].after] == counts


@settings(NORMAL, max_examples=12)
@given(statements())
def test_random_derivations(stated: Stated) -> None:
    compare_derivation(stated)


@pytest.mark.slow
@LONG
@given(statements())
def test_many_random_derivations(stated: Stated) -> None:
    compare_derivation(stated)


def test_the_oracle_needs_every_element_on_a_window() -> None:
    """With generators alone a 3 x 3 window under quarter turns would keep 21 weights; it has 7."""
    P = dv.point_group("C4")
    one, zero = dv.trivial(P), (Fraction(0),) * 2
    stated = Stated(P, (1, 1), zero, {}, one, one, 3, 1, "zero")
    assert len(equations(stated)[0]) == 7
    compare(stated)
