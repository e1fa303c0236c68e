"""Sizes, channels and grids as people give them: what `Field` refuses is refused."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest

import derive as dv
import kernels as kn

T1, T2, P4M = dv.translations(1), dv.translations(2), dv.wallpaper("p4m")
TORUS = {"grid": ("H", "H"), "boundary": "periodic"}
V = dv.defining(P4M.point)


def between(G: Any, *support: Any, **lattice: Any) -> Any:
    return dv.solve(dv.Field(G, "C", **lattice), dv.Field(G, "D", **lattice), *support)


# a statement, the sizes that fit it, and the size that is replaced
STATEMENTS: dict[str, tuple[Any, dict[str, int], str]] = {
    "channels": (between(T2, dv.box(1)), {"C": 2, "D": 3}, "C"),
    "channels of a group": (between(P4M, dv.box(1)), {"C": 2, "D": 3}, "D"),
    "copies": (dv.solve(dv.Field(P4M, "C").channels * V, V), {"C": 2}, "C"),
    "a grid": (between(T2, dv.box(1), **TORUS), {"C": 2, "D": 3, "H": 4}, "H"),
    "a grid of a group": (between(P4M, **TORUS), {"C": 1, "D": 1, "H": 3}, "H"),
}
WRONG = (0, -1, 1.5, 2.0, True, "3", None, 1j, [2], float("nan"), np.float32(2))


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("name", STATEMENTS)
def test_sizes_that_a_field_would_refuse(name: str, wrong: Any) -> None:
    solution, sizes, replaced = STATEMENTS[name]
    with pytest.raises(dv.SizeError) as error:
        kn.lower(solution, sizes={**sizes, replaced: wrong})
    shown = f"sizes[{replaced!r}] must be a positive integer, got {wrong!r}; give 1 or more"
    assert str(error.value) == shown
    if wrong is not None:
        with pytest.raises(dv.SizeError, match=r"must be a positive integer"):
            dv.Field(T2, channels=wrong)


@pytest.mark.parametrize("name", STATEMENTS)
def test_sizes_that_fit(name: str) -> None:
    solution, sizes, replaced = STATEMENTS[name]
    kept = {key: np.int64(value) for key, value in sizes.items()}
    assert kn.lower(solution, sizes=kept).dim == kn.lower(solution, sizes=sizes).dim > 0
    with pytest.raises(
        dv.SymbolicError, match=r"must be a number, not a symbol, got x; give an integer >= 1"
    ):
        kn.lower(solution, sizes={**sizes, replaced: "x"})
    with pytest.raises(dv.SizeError, match=r"sizes must name symbols of the solution, .*, got \['Q'\]"):
        kn.lower(solution, sizes={**sizes, "Q": 1})


def test_a_radius_may_be_zero_and_no_less() -> None:
    solution = dv.solve(dv.Field(T1), dv.Field(T1), dv.box("r"))
    assert kn.lower(solution, sizes={"r": 0}).dim == 1
    with pytest.raises(dv.SizeError, match=r"sizes\['r'\] must be a non-negative integer, got -1; give 0 or"):
        kn.lower(solution, sizes={"r": -1})


def test_a_grid_that_the_period_does_not_divide() -> None:
    """What `Field` says of the number, `lower` says when the number comes later."""
    G = dv.translations(1, period=2)
    solution = dv.solve(*[dv.Field(G, grid="N", boundary="periodic")] * 2)
    with pytest.raises(dv.GridError) as later:
        kn.lower(solution, sizes={"N": 5})
    with pytest.raises(dv.GridError) as at_once:
        dv.Field(G, grid=5, boundary="periodic")
    assert str(later.value) == str(at_once.value)
    assert kn.lower(solution, sizes={"N": 6}).dim == 12


@pytest.mark.parametrize("sizes", [3, "C", [("C", 1)], 2.5, True], ids=repr)
def test_sizes_that_are_no_mapping(sizes: Any) -> None:
    for solution, _, _ in STATEMENTS.values():
        with pytest.raises(
            dv.SizeError, match=r"sizes must be \{name: number\}, got .*; give sizes=\{'C': 8\}"
        ):
            kn.lower(solution, sizes=sizes)


@pytest.mark.parametrize("channels", [3, "C", (2,), (1, 2, 3), 0, True], ids=repr)
def test_channels_that_are_no_pair(channels: Any) -> None:
    for name in ("channels", "channels of a group", "copies"):
        with pytest.raises(dv.SizeError, match=r"channels must be a pair \(C_in, C_out\), got "):
            kn.lower(STATEMENTS[name][0], channels=channels)


@pytest.mark.parametrize("wrong", [0, -2, 1.5, True, None], ids=repr)
def test_channels_that_are_no_numbers(wrong: Any) -> None:
    for name in ("channels", "channels of a group", "copies"):
        with pytest.raises(dv.SizeError, match="channels must be a positive integer, got"):
            kn.lower(STATEMENTS[name][0], channels=(wrong, 3))


SCALAR = kn.lower(between(T2, dv.box(1)), channels=(1, 1))
VECTOR = kn.lower(dv.solve(*[dv.Field(P4M, fibre=V)] * 2, dv.box(1)))
LINE = kn.lower(between(T1, dv.box(1)), channels=(1, 1))


@pytest.mark.parametrize(
    ("op", "rank"), [(SCALAR, 2), (VECTOR, 2), (LINE, 1)], ids=["scalar", "vector", "line"]
)
def test_a_number_is_the_size_along_every_axis(op: Any, rank: int) -> None:
    w = op.init(jax.random.key(0))
    full = op.dense(w, (4,) * rank)
    for grid in (4, np.int64(4), [4] * rank, np.full(rank, 4)):
        assert np.array_equal(op.dense(w, grid), full)
        assert op.output_shape(grid) == op.output_shape((4,) * rank)
        assert np.array_equal(op.init(jax.random.key(0), grid=grid), w)


@pytest.mark.parametrize(
    "grid", [(4,), (4, 4, 4), "44", (4, 4.5), (4, "a"), (-1, 4), 2.5, True, (4, True)], ids=repr
)
def test_what_is_no_grid(grid: Any) -> None:
    key = jax.random.key(0)
    calls: list[Any] = []
    for op in (SCALAR, VECTOR):
        calls += [partial(op.dense, op.init(key)), op.output_shape, partial(_drawn, op, key)]
    for call in calls:
        with pytest.raises(kn.ShapeError, match=r"grid must give 2 sizes, .*; say grid=\(8, 8\)"):
            call(grid)


def _drawn(op: Any, key: Any, grid: Any) -> Any:
    return op.init(key, grid=grid)


def test_a_grid_where_there_is_no_lattice() -> None:
    op = kn.lower(dv.solve(V, V))
    w = op.init(jax.random.key(0))
    assert op.dense(w, ()).shape == (2, 2)
    for grid in (4, 0, (4, 4), np.array([1, 2])):
        with pytest.raises(kn.ShapeError, match="grid must be empty: there is no lattice"):
            op.dense(w, grid)


ARRAY = np.ones((8, 56, 56, 64), np.float32)
KERNEL = np.ones((3, 3, 64, 64), np.float32)
SOLUTION = dv.solve(dv.Field(T2), dv.Field(T2), support=dv.box(1))
E2 = dv.euclidean(2)
ON_R2 = dv.Field(E2, fibre=dv.irrep(E2.point, 1))
ON_PLANE = dv.solve(ON_R2, ON_R2, support=dv.ball("R"))
# calls with an array where something else is meant
MISPLACED: dict[str, Any] = {
    "explain": lambda: kn.explain(ARRAY, KERNEL),
    "autotune": lambda: kn.autotune(ARRAY, KERNEL),
    "strides": lambda: kn.conv(ARRAY, KERNEL, strides=ARRAY),
    "dilation": lambda: kn.conv(ARRAY, KERNEL, dilation=[ARRAY, ARRAY]),
    "padding": lambda: kn.conv(ARRAY, KERNEL, padding=ARRAY),
    "groups": lambda: kn.conv(ARRAY, KERNEL, groups=ARRAY),
    "precision": lambda: kn.conv(ARRAY, KERNEL, precision=ARRAY),
    "implementation": lambda: kn.conv(ARRAY, KERNEL, implementation=ARRAY),
    "preferred_element_type": lambda: kn.conv(ARRAY, KERNEL, preferred_element_type=ARRAY),
    "window": lambda: kn.max_pool(ARRAY, ARRAY, rank=2),
    "solution": lambda: kn.lower(ARRAY),
    "channels of lower": lambda: kn.lower(SOLUTION, channels=ARRAY),
    "channels": lambda: dv.Field(T2, channels=ARRAY),
    "fibre": lambda: dv.Field(T2, fibre=ARRAY),
    "group": lambda: dv.Field(ARRAY),
    "fields": lambda: dv.solve(ARRAY, ARRAY),
    "name of a group": lambda: dv.wallpaper(ARRAY),
    "point group": lambda: dv.point_group(ARRAY),
    "n": lambda: dv.symmetric(ARRAY),
    "radius": lambda: dv.box(ARRAY),
    "label": lambda: dv.irrep(dv.symmetric(5), ARRAY),
    "frequency": lambda: dv.irreps(dv.cyclic(5), ARRAY),
    "decompose": lambda: dv.decompose(ARRAY),
    "order": lambda: ON_PLANE.differential(ARRAY),
    "padding of differences": lambda: kn.lower(ON_PLANE.differential(2), padding=ARRAY),
    "spacing": lambda: kn.lower(ON_PLANE.differential(2), spacing=ARRAY),
    "accuracy": lambda: kn.lower(ON_PLANE.differential(2), accuracy=ARRAY),
    "window on a grid": lambda: kn.lower(ON_PLANE, window=ARRAY),
    "band": lambda: kn.lower(ON_PLANE, window=3, band=ARRAY),
    "radial": lambda: kn.lower(ON_PLANE, window=3, radial=ARRAY),
    "op of adjoints": lambda: kn.check_adjoints(ARRAY, KERNEL, ARRAY),
    "op of a matrix": lambda: kn.check_against_dense(ARRAY, KERNEL, ARRAY),
    "op of equivariance": lambda: kn.check_equivariance(ARRAY, KERNEL, ARRAY),
}


@pytest.mark.parametrize("name", MISPLACED)
def test_an_array_in_the_wrong_place_is_told_by_its_shape(name: str) -> None:
    """No error prints an array: one line, however large what was given is."""
    with pytest.raises((kn.KernelError, dv.DeriveError)) as error:
        MISPLACED[name]()
    text = str(error.value)
    assert "float32[" in text
    assert "\n" not in text
    assert len(text) < 450


def test_long_values_are_cut() -> None:
    for kind in (kn.KernelError, dv.DeriveError):
        text = str(kind("x", "must be short", list(range(10**5)), "give less"))
        assert text.startswith("x must be short, got [0, 1, 2, ")
        assert text.endswith("...; give less")
        assert len(text) < 250
