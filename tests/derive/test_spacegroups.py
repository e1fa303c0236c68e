"""Space groups and fibres against tables: wallpaper groups, reference dimensions, closed formulas."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv

ROWS = list(csv.DictReader((Path(__file__).parent / "known_dimensions.csv").open()))
HEXAGONAL = ("p3", "p31m", "p3m1", "p6", "p6m")
# 3 x 3 box, or hexagon of radius 1: trivial -> trivial, and determinant -> trivial
SEVENTEEN = {
    "p1": (9, 9), "p2": (5, 5), "pm": (6, 3), "pg": (9, 9), "cm": (6, 3), "pmm": (4, 1), "pmg": (5, 5),
    "pgg": (10, 10), "cmm": (4, 1), "p4": (3, 3), "p4m": (3, 0), "p4g": (7, 4), "p3": (3, 3), "p31m": (2, 1),
    "p3m1": (3, 0), "p6": (2, 2), "p6m": (2, 0),
}  # fmt: skip


def certified(x: Any, y: Any, support: Any = None) -> int:
    """The dimension of an answer whose certificate holds."""
    solution = dv.solve(x, y, support)
    assert solution.certificate.holds, solution.certificate
    assert solution.certificate.dim == solution.dim
    return int(solution.dim)


def local(G: dv.SpaceGroup) -> dv.Support:
    return dv.hexagon(1) if G.name in HEXAGONAL else dv.box(1)


def torus(n: Any, **options: Any) -> dict[str, Any]:
    return {"grid": n if isinstance(n, tuple) else (n, n), "boundary": "periodic", **options}


# ---- the seventeen wallpaper groups ---------------------------------------------------------------------


@pytest.mark.parametrize("name", SEVENTEEN)
def test_wallpaper_group(name: str) -> None:
    G = dv.wallpaper(name)
    scalar, odd = dv.Field(G, channels=1), dv.Field(G, fibre=dv.sign(G.point))
    support = local(G)
    assert (certified(scalar, scalar, support), certified(odd, scalar, support)) == SEVENTEEN[name]


def test_there_are_seventeen() -> None:
    assert len(SEVENTEEN) == 17


@pytest.mark.parametrize("name", SEVENTEEN)
def test_a_regular_fibre_leaves_every_weight_free(name: str) -> None:
    """scalar -> regular: one free weight per tap and output phase."""
    G = dv.wallpaper(name)
    x, y = dv.Field(G, channels=1), dv.Field(G, fibre=dv.regular(G.point))
    phases = int(np.prod([int(p) for p in G.period]))
    taps = 7 if name in HEXAGONAL else 9
    assert certified(x, y, local(G)) == taps * phases


# ---- every row of the reference list --------------------------------------------------------------------


def _given(detail: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in detail.split(";") if "=" in part)


def _fibre(P: dv.Group, name: str) -> dv.Representation:
    V = dv.defining(P)
    made: dict[str, Callable[[], dv.Representation]] = {
        "trivial": lambda: dv.trivial(P),
        "even": lambda: dv.trivial(P),
        "sign": lambda: dv.sign(P),
        "odd": lambda: V,
        "regular": lambda: dv.regular(P),
        "vector": lambda: V,
        "pseudovector": lambda: V * dv.sign(P),
        "tensor2": lambda: V**2,
    }
    return made[name]()


def _kernel(case: str, detail: str) -> int:
    given, axes = _given(detail), int(case[-2])
    sizes = [int(k) for k in given["k"].split("x")]
    sizes = sizes * axes if len(sizes) == 1 else sizes
    P = dv.point_group({"reflection": "D1"}.get(given["group"], given["group"]), dim=axes)
    G = dv.space_group(P)
    offset = ["1/2" if k % 2 == 0 else 0 for k in sizes]
    x = dv.Field(G, fibre=_fibre(P, given["in"]))
    return certified(x, dv.Field(G, fibre=_fibre(P, given["out"]), offset=offset), dv.window(sizes))


def _hex(case: str, detail: str) -> int:
    given = _given(detail)
    P = dv.point_group(given["group"])
    x, y = (dv.Field(dv.space_group(P), fibre=_fibre(P, given[side])) for side in ("in", "out"))
    return certified(x, y, dv.hexagon(int(given["radius"])))


def _wholegrid(case: str, detail: str) -> int:
    given = _given(detail)
    P = dv.point_group(given["group"])
    x = dv.Field(P, channels=1, grid=[int(given["n"])] * 2)
    return certified(x, dv.Field(P, channels=1, grid=(1, 1)) if "global" in given["out"] else x)


def _torus(case: str, detail: str) -> int:
    given = _given(detail)
    if given["group"] == "translation":
        G, grid = dv.translations(2), (int(given["H"]), int(given["W"]))
    else:
        G, grid = dv.wallpaper(given["group"]), (int(given["n"]),) * 2
    x = dv.Field(G, channels=1, **torus(grid))
    return certified(x, x)


def _torus_stride2(case: str, detail: str) -> int:
    G = dv.space_group(dv.point_group("D4"), period=2)
    return certified(dv.Field(G, channels=1, **torus(4)), dv.Field(G, channels=1, **torus(2, spacing=2)))


def _torus_field(case: str, detail: str) -> int:
    given = _given(detail)
    P = dv.point_group(given["group"].split("+")[1])
    G, n = dv.space_group(P), int(given["n"])
    x, y = (dv.Field(G, fibre=_fibre(P, given[side]), **torus(n)) for side in ("in", "out"))
    return certified(x, y)


def _tensors(case: str, detail: str) -> int:
    given = _given(detail)
    make = {"S_n": dv.symmetric, "A_n": dv.alternating, "DeepSets": dv.symmetric}[case]
    V = dv.permutation(make(int(given["n"])))
    if case == "DeepSets":
        return certified(int(given["in channels"]) * V, int(given["out channels"]) * V)
    return certified(V ** int(given["in order"]), V ** int(given["out order"]))


def _ring(case: str, detail: str) -> int:
    n = int(detail.split()[0].split("_")[1])
    V = dv.permutation({"cyclic": dv.cyclic, "dihedral": dv.dihedral}[case](n))
    return certified(V, V)


def _block(case: str, detail: str) -> int:
    left, _, right = detail.split()[:3]
    make = {"S": dv.symmetric, "Z": dv.cyclic}
    A, B = (dv.permutation(make[g[0]](int(g[2:]))) for g in (left, right))
    V = dv.outer(A, B)
    if "(+)" in detail:
        V = dv.outer(A, dv.trivial(B.group)) + dv.outer(dv.trivial(A.group), B)
    return certified(V, V)


def _faces(case: str, detail: str) -> int:
    P = dv.point_group(_given(detail)["group"], dim=3)
    faces = [np.array(d) for axis in np.eye(3, dtype=int) for d in (axis, -axis)]

    def permuted(generator: str) -> list[list[int]]:
        M = np.array(P.matrix(generator).tolist(), dtype=int)
        return [[int((M @ q == p).all()) for q in faces] for p in faces]

    V = dv.Representation(P, {g: permuted(g) for g in P.generators})
    return certified(V, V)


def _signed(case: str, detail: str) -> int:
    given = _given(detail)
    V = dv.defining(dv.hyperoctahedral(int(given["n"])))
    return certified(V ** int(given["in"][2:]), V ** int(given["out"][2:]))


def _lie(case: str, detail: str) -> int:
    given, name = _given(detail), detail.split(";")[0]
    if "irreps" in name:
        found = dv.irreps(dv.special_orthogonal(2), max_frequency=3)
        return certified(found[int(given["in freq"])], found[int(given["out freq"])])
    groups = {
        "O(2)": lambda: dv.orthogonal(2),
        "SO(3)": lambda: dv.special_orthogonal(3),
        "O(3)": lambda: dv.orthogonal(3),
        "SO(1,3) Lorentz connected": dv.lorentz,
    }
    V = dv.defining(groups[name]())
    return certified(V ** int(given["in"][2:]), V ** int(given["out"][2:]))


READ = {
    "kernel1d": _kernel, "kernel2d": _kernel, "kernel3d": _kernel, "hex": _hex, "wholegrid": _wholegrid,
    "torus": _torus, "torus_stride2": _torus_stride2, "torus_field": _torus_field, "S_n": _tensors,
    "A_n": _tensors, "DeepSets": _tensors, "cyclic": _ring, "dihedral": _ring, "block": _block,
    "polyhedron": _faces, "B_n": _signed, "Lie": _lie,
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['case']},{row['detail']}")
def test_known_dimension(row: dict[str, str]) -> None:
    assert READ[row["case"]](row["case"], row["detail"]) == int(row["dim"])


def test_the_whole_list_is_read() -> None:
    assert len(ROWS) == 123
    assert {row["case"] for row in ROWS} == set(READ)


# ---- windows, periods, strides --------------------------------------------------------------------------


@pytest.mark.parametrize(("grid", "dim"), [((3, 3), 7), ((3, 4), 12), ((4, 3), 12), ((1, 1), 1)])
def test_quarter_turns_on_a_window(grid: tuple[int, int], dim: int) -> None:
    """Every group element counts: clipping the generators alone would leave 21 on 3 x 3 and 31 on 3 x 4."""
    x = dv.Field(dv.space_group(dv.point_group("C4")), channels=1, grid=grid, boundary="zero")
    assert certified(x, x) == dim


@pytest.mark.parametrize(("centre", "dim"), [(0, 10), ("1/2", 6), (1, 10), (("1/2", "3/2"), 6)])
def test_period_two_about_a_site_and_about_a_cell_centre(centre: Any, dim: int) -> None:
    G = dv.space_group(dv.point_group("D4"), period=2, centre=centre)
    x = dv.Field(G, channels=1)
    assert certified(x, x, dv.box(1)) == dim


def test_period_two_by_name() -> None:
    x = dv.Field(dv.wallpaper("p4m", period=2), channels=1)
    assert certified(x, x, dv.box(1)) == 10


def test_stride_two_depends_on_where_the_output_sits() -> None:
    """On a pixel of the input, or between four of them."""
    D4 = dv.point_group("D4")
    on, between = dv.space_group(D4, 2), dv.space_group(D4, 2, centre="1/2")
    x, y = dv.Field(on, channels=1, **torus(4)), dv.Field(on, channels=1, **torus(2, spacing=2))
    assert certified(x, y) == 6
    x = dv.Field(between, channels=1, **torus(4))
    y = dv.Field(between, channels=1, **torus(2, spacing=2, offset="1/2"))
    assert certified(x, y) == 3  # 16 pixels seen from a cell centre: 4 + 4 + 8


# ---- symbols --------------------------------------------------------------------------------------------


def test_p4m_on_a_torus_of_any_size() -> None:
    n = sp.Symbol("n", integer=True, positive=True)
    G = dv.wallpaper("p4m")
    x = dv.Field(G, channels=1, **torus((n, n)))
    solution = dv.solve(x, x)
    assert solution.certificate.holds
    for size in range(1, 13):
        two = sp.gcd(2, size)
        closed = (size**2 + 2 * size * two + 2 * size + two**2 + 2 * two) / sp.Integer(8)
        field = dv.Field(G, channels=1, **torus(size))
        assert solution.dim.subs(n, size) == closed == dv.solve(field, field).dim


@pytest.mark.parametrize("name", ["p2", "pmm", "p4", "p6m", "p31m"])
def test_symbolic_torus_against_numbers(name: str) -> None:
    G, n = dv.wallpaper(name), sp.Symbol("n", integer=True, positive=True)
    x, y = (dv.Field(G, fibre=dv.regular(G.point), channels=None, **torus((n, n))) for _ in range(2))
    formula = dv.solve(x, y).dim
    for size in (1, 2, 3, 4, 6):
        field = dv.Field(G, fibre=dv.regular(G.point), **torus(size))
        assert formula.subs(n, size) == dv.solve(field, field).dim


def test_kernels_of_any_radius() -> None:
    """D4: (k+1)(k+2)/2 for a square, Oh: (k+1)(k+2)(k+3)/6 for a cube."""
    for G, radii in ((dv.wallpaper("p4m"), 12), (dv.space_group(dv.point_group("Oh", 3)), 5)):
        k = sp.Symbol("k", integer=True, positive=True)
        x = dv.Field(G, channels=1)
        solution = dv.solve(x, x, dv.box(k))
        assert solution.certificate.holds
        closed = sp.prod(k + j for j in range(1, G.dim + 1)) / sp.factorial(G.dim)
        symbol = next(iter(solution.dim.free_symbols))
        assert sp.simplify(solution.dim.subs(symbol, k) - closed) == 0
        for r in range(radii):
            assert solution.dim.subs(symbol, r) == closed.subs(k, r) == dv.solve(x, x, dv.box(r)).dim


def test_symbolic_channels_multiply() -> None:
    G = dv.wallpaper("p4m")
    solution = dv.solve(dv.Field(G, channels="C"), dv.Field(G, channels="D"), dv.box(1))
    C, D = sorted(solution.dim.free_symbols, key=str)
    assert (solution.dim, solution.bias_dim) == (3 * C * D, D)
    assert solution.certificate.holds


def test_no_support_on_an_infinite_lattice() -> None:
    x = dv.Field(dv.wallpaper("p4m"), channels=1)
    assert dv.solve(x, x).dim is sp.oo


# ---- figures --------------------------------------------------------------------------------------------


def test_group_convolution_of_the_readme() -> None:
    G = dv.wallpaper("p4m")
    x = dv.Field(G, fibre=3 * dv.trivial(G.point))
    y = dv.Field(G, fibre=16 * dv.regular(G.point))
    solution = dv.solve(x, y, support=dv.box(2))
    assert (solution.dim, solution.bias_dim, len(solution.basis)) == (1200, 16, 1200)
    assert solution.certificate.holds


def test_regular_fibres_at_full_width() -> None:
    G = dv.wallpaper("p4m")
    x = dv.Field(G, fibre=64 * dv.regular(G.point))
    assert dv.solve(x, x, dv.box(3)).dim == 392 * 64 * 64
    cube = dv.point_group("Oh", 3)
    x = dv.Field(dv.space_group(cube), fibre=dv.regular(cube))
    assert dv.solve(x, x, dv.box(2)).dim == 6000


def test_sign_to_trivial_is_zero_and_says_why() -> None:
    G = dv.wallpaper("p4m")
    odd, even = dv.Field(G, fibre=dv.sign(G.point)), dv.Field(G, channels=1)
    solution = dv.solve(odd, even, dv.box(1))
    assert solution.dim == 0
    assert len(solution.basis) == 0
    assert solution.bias_dim == 1
    assert solution.certificate.holds
    lines = solution.why_zero().splitlines()
    assert lines[0] == "every operator is zero, orbit by orbit of site pairs:"
    assert len(lines) == 4  # the centre is fixed by all of D4, edges and corners by a mirror each
    assert all("fixed by" in line and "commutes with them but 0" in line for line in lines[1:])
    assert sum("r, m" in line for line in lines) == 1
    assert dv.solve(even, even, dv.box(1)).why_zero() == "the answer is not zero: 3 weights are free"


def test_why_zero_without_a_lattice() -> None:
    V = dv.irreps(dv.cyclic(5))
    solution = dv.solve(V[1], V[2])
    assert solution.dim == 0
    assert "no constituent in common" in solution.why_zero()


# ---- no translations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 64])
def test_turns_and_flips_of_a_grid(n: int) -> None:
    """Burnside: an even grid has no fixed site but those of diagonals, an odd one has its middle lines."""
    x = dv.Field(dv.point_group("D4"), channels=1, grid=(n, n))
    axis, diagonal, turn = (n if n % 2 else 0), n, n % 2
    fixed = [n * n, turn, turn, turn, axis, axis, diagonal, diagonal]
    assert certified(x, x) == sum(f**2 for f in fixed) // 8
    if n == 64:
        assert dv.solve(x, x).dim == 2_098_176


def test_basis_without_translations_commutes_with_every_element() -> None:
    """36 orbit sums on 4 x 4, each checked as a matrix and all of them together a partition."""
    P = dv.point_group("D4")
    x = dv.Field(P, channels=1, grid=(4, 4))
    basis = [e.dense().reshape(16, 16) for e in dv.solve(x, x).basis]
    assert len(basis) == 36
    sites = np.arange(16).reshape(4, 4)
    for T in (np.rot90(sites).reshape(-1), sites[::-1].reshape(-1)):
        for e in basis:
            np.testing.assert_array_equal(e[np.ix_(T, T)], e)
    np.testing.assert_array_equal(sum(basis), np.ones((16, 16), int))


def test_basis_by_number_where_pairs_are_not_listed() -> None:
    """2,098,176 operators: any one of them by its number, without the others."""
    x = dv.Field(dv.point_group("D4"), channels=1, grid=(64, 64))
    basis = dv.solve(x, x).basis
    assert len(basis) == 2_098_176
    assert repr(basis[-1]) == repr(basis[2_098_175])
    pairs, entries, _ = basis[1_000_000].answer.solved.popitem()[1].element(1_000_000)
    assert len(entries.rows) == len(pairs) in (1, 2, 4, 8)


# ---- a name is not a key --------------------------------------------------------------------------------


def test_two_groups_that_share_a_name_never_share_an_answer() -> None:
    """Same names, same generator names, different matrices, relations or representations."""
    turn = dv.matrix_group({"g": [[0, -1], [1, 0]]}, name="G")
    flip = dv.matrix_group({"g": [[-1, 0], [0, 1]]}, name="G")
    assert turn != flip
    dims = []
    for P in (turn, flip, turn):
        G = dv.space_group(P, name="G")
        x, y = dv.Field(G, channels=1), dv.Field(G, fibre=dv.regular(P))
        dims.append((certified(x, x, dv.box(1)), certified(y, y, dv.box(1))))
    assert dims == [(3, 36), (6, 18), (3, 36)]


def test_two_representations_that_share_a_group_never_share_an_answer() -> None:
    P = dv.point_group("C2")
    G = dv.space_group(P)
    even, odd = dv.Representation(P, {"r": [[1]]}), dv.Representation(P, {"r": [[-1]]})
    x = dv.Field(G, fibre=even)
    assert [certified(dv.Field(G, fibre=V), x, dv.box(1)) for V in (even, odd, even)] == [5, 4, 5]
    for n in (3, 4):
        V = dv.permutation(dv.permutation_group({"a": list(np.roll(range(n), 1))}, name="same"))
        assert certified(V, V) == n


def test_space_groups_are_compared_by_content() -> None:
    """What moves how, not what it is called."""
    D4 = dv.point_group("D4")
    assert dv.space_group(D4) == dv.wallpaper("p4m") == dv.space_group(D4, name="mine")
    assert hash(dv.space_group(D4)) == hash(dv.wallpaper("p4m"))
    assert dv.space_group(D4, name="mine") != dv.space_group(D4, period=2, name="mine")
    assert dv.space_group(D4, name="mine") != dv.space_group(D4, centre="1/2", name="mine")
