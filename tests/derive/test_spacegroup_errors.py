"""What is said when a symmetry does not fit a lattice, a support, a fibre or the memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import derive as dv

C1, C4, D1, D4 = (dv.point_group(name) for name in ("C1", "C4", "D1", "D4"))
P4M, DOUBLE = dv.wallpaper("p4m"), dv.space_group(D4, period=2)
SCALAR = dv.Field(P4M, channels=1)
TURN = "must be carried to itself by every generator, and 'r'"
PERIODIC = {"boundary": "periodic"}


def on(G: Any, **lattice: Any) -> dv.Field:
    return dv.Field(G, channels=1, **lattice)


def whole(n: int, G: Any = P4M, **lattice: Any) -> Any:
    """A whole grid to itself."""
    return dv.solve(*[on(G, grid=(n, n), **lattice)] * 2)


Case = tuple[str, Callable[[], Any], type[dv.DeriveError], tuple[str, ...]]
CASES: list[Case] = [
    (
        "quarter turn of a 4 x 6 torus",
        lambda: on(dv.space_group(C4), grid=(4, 6), **PERIODIC),
        dv.GridError,
        (f"grid {TURN} exchanges unequal axes", "got 4 x 6", "use equal sizes, for example grid=(6, 6)"),
    ),
    (
        "quarter turn of a 4 x 6 grid",
        lambda: on(C4, grid=(4, 6)),
        dv.GridError,
        (f"grid {TURN} carries a site outside", "got 4 x 6", "use equal sizes along axes that are exchanged"),
    ),
    (
        "quarter turn of an anisotropic spacing",
        lambda: on(dv.space_group(C4, period=2), spacing=(1, 2)),
        dv.LatticeError,
        (
            f"spacing (1, 2) and offset (0, 0) {TURN} is one",
            "the site at (1, 0) carried to (0, 1), which is no site",
            "use equal spacings along axes that a generator mixes, for example spacing=(1, 1)",
        ),
    ),
    (
        "quarter turn of an offset (1/2, 0)",
        lambda: on(P4M, offset=("1/2", 0)),
        dv.LatticeError,
        (
            f"offset (1/2, 0) {TURN} is one",
            "the site at (1/2, 0) carried to (0, 1/2), which is no site",
            "sites land on sites with centre=(1/2, 0) or with offset=(1, 0)",
        ),
    ),
    (
        "blocks of stride 2 about a site",
        lambda: on(DOUBLE, spacing=2, offset="1/2"),
        dv.LatticeError,
        (
            "the site at (1/2, 1/2) carried to (-1/2, 1/2), which is no site",
            "sites land on sites with centre=(1/2, 1/2) or with offset=(1, 1)",
        ),
    ),
    (
        "a glide by half a spacing",
        lambda: on(dv.space_group(D1, glide={"m": (0, "1/2")})),
        dv.LatticeError,
        (
            "carried to (0, 1/2), which is no site",
            "no centre or offset is possible",
            "whole numbers of spacings",
        ),
    ),
    (
        "a period that is no multiple of the spacing",
        lambda: on(dv.space_group(C4, period=3), spacing=2),
        dv.LatticeError,
        ("'t_u' is one", "translate by a multiple of the spacing, for example period=(6, 2)"),
    ),
    (
        "a glide that breaks a relation",
        lambda: dv.space_group(D1, glide={"m": (0, "1/3")}),
        dv.GroupError,
        (
            "glide must make m^2 a translation by periods (1, 1)",
            "got a shift by (0, 2/3)",
            "use period=(1, 2/3), or leave the glide out",
        ),
    ),
    (
        "a glide of no generator",
        lambda: dv.space_group(D1, glide={"q": (0, 1)}),
        dv.GroupError,
        ("glide must name generators of D1", "got ['q']", "use ('m',)"),
    ),
    (
        "periods that are exchanged",
        lambda: dv.space_group(C4, period=(1, 2)),
        dv.GroupError,
        (
            "period must be carried to itself",
            "'r' carries a translation",
            "to (0, 1)",
            "none of (1, 2)",
            "one period",
        ),
    ),
    (
        "a negative period",
        lambda: dv.space_group(C4, period=-1),
        dv.GroupError,
        ("period must be >= 0", "(-1, -1)"),
    ),
    (
        "a centre in floating point",
        lambda: dv.space_group(C4, centre=0.5),
        dv.ExactnessError,
        ("centre must be exact", "0.5", "give '1/2'"),
    ),
    (
        "a group of permutations in space",
        lambda: dv.space_group(dv.symmetric(3)),
        dv.GroupError,
        ("point must be given by integer matrices", "got S_3", "use point_group or matrix_group"),
    ),
    (
        "an unknown wallpaper group",
        lambda: dv.wallpaper("p4q"),
        dv.GroupError,
        ("wallpaper must be one of p1 p2 pm", "got 'p4q'"),
    ),
    (
        "a period too short for the glide",
        lambda: dv.wallpaper("p4g", period=3),
        dv.GroupError,
        ("period of p4g must be a positive multiple of (2, 2)", "got 3", "use period=(4, 4)"),
    ),
    (
        "a point group without a grid",
        lambda: on(D4),
        dv.GridError,
        ("grid is needed where a point group", "got None", "give grid=(H, W), or use space_group(P)"),
    ),
    (
        "a fibre of another group",
        lambda: dv.Field(P4M, fibre=dv.sign(C4)),
        dv.RepresentationError,
        ("fibre must be a representation of the point group D4", "group=C4", "build it on G.point"),
    ),
    (
        "a fibre that is a number",
        lambda: dv.Field(P4M, fibre=3),  # type: ignore[arg-type]
        dv.RepresentationError,
        ("fibre must be a representation of the point group D4", "got 3"),
    ),
    (
        "channels and a fibre",
        lambda: dv.Field(P4M, channels=2, fibre=dv.sign(D4)),
        dv.RepresentationError,
        ("channels, fibre exactly one of the two must be given", "give channels=3 or fibre=..."),
    ),
    (
        "fields of two groups",
        lambda: dv.solve(SCALAR, on(DOUBLE)),
        dv.RepresentationError,
        ("x, y must be fields of one group", "period=(2, 2)", "build both fields on the same group"),
    ),
    (
        "an output of another group",
        lambda: dv.solve(SCALAR, dv.sign(C4)),
        dv.RepresentationError,
        ("y must be a representation of the point group D4", "build it on G.point"),
    ),
    (
        "an output that is no field",
        lambda: dv.solve(SCALAR, 3),
        dv.RepresentationError,
        ("y must be a Field or a Representation, got 3", "use Field(G, ...)"),
    ),
    (
        "a support that is turned away",
        lambda: dv.solve(SCALAR, SCALAR, [(0, 0), (1, 0)]),
        dv.SupportError,
        (f"support {TURN} carries a displacement of it", "to (0, 1)", "add (-1, 0), (0, -1), (0, 1)"),
    ),
    (
        "a long support that is turned away",
        lambda: dv.solve(SCALAR, SCALAR, [(j, 0) for j in range(9)]),
        dv.SupportError,
        (f"support {TURN}", "add the images, 24 displacements in all"),
    ),
    (
        "an oblong box",
        lambda: dv.solve(SCALAR, SCALAR, dv.box((1, 2))),
        dv.SupportError,
        (f"support {TURN}", "which is outside", "use the same sizes along axes that a generator exchanges"),
    ),
    (
        "two symbols that are exchanged",
        lambda: dv.solve(SCALAR, SCALAR, dv.box(("k", "l"))),
        dv.SupportError,
        (f"support {TURN}", "use the same sizes"),
    ),
    (
        "a box on a hexagonal lattice",
        lambda: dv.solve(*[on(dv.wallpaper("p6"))] * 2, dv.box(1)),
        dv.SupportError,
        (f"support {TURN}", "a ball or hexagon"),
    ),
    (
        "a box bounded along one axis",
        lambda: dv.solve(*[on(P4M, grid=(5, 5), **PERIODIC)] * 2, dv.box((1, None))),
        dv.SupportError,
        (f"support {TURN}", "all displacements along an axis that is bounded"),
    ),
    (
        "a hexagon on a square lattice",
        lambda: dv.solve(SCALAR, SCALAR, dv.hexagon(1)),
        dv.SupportError,
        ("hexagon needs a hexagonal point group", "use C3, C6, D3 or D6"),
    ),
    (
        "a basis that is infinite",
        lambda: dv.solve(SCALAR, SCALAR).basis[0],
        dv.InfiniteError,
        ("finitely many weights", "give a support such as box(1), or a grid"),
    ),
]


@pytest.mark.parametrize(("make", "kind", "parts"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_message(make: Callable[[], Any], kind: type[dv.DeriveError], parts: tuple[str, ...]) -> None:
    with pytest.raises(kind) as caught:
        make()
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: on(dv.space_group(D4, centre=("1/2", 0)), offset=("1/2", 0)),
        lambda: on(P4M, offset=(1, 0)),
        lambda: on(dv.space_group(D4, period=2, centre="1/2"), spacing=2, offset="1/2"),
        lambda: on(DOUBLE, spacing=2, offset=1),
        lambda: on(dv.space_group(C4, period=2), spacing=(1, 1)),
        lambda: dv.solve(SCALAR, SCALAR, [(0, 0), (1, 0), (-1, 0), (0, -1), (0, 1)]),
        lambda: dv.solve(*[on(dv.wallpaper("p6"))] * 2, dv.box(0)),
        lambda: dv.solve(SCALAR, SCALAR, dv.box("k")),
    ],
)
def test_what_the_messages_offer_works(make: Callable[[], Any]) -> None:
    make()


BIG: dict[str, tuple[Callable[[], Any], str]] = {
    "torus": (lambda: whole(10**6, **PERIODIC).dim, "1000000000000 classes"),
    "torus, certificate": (lambda: whole(10**6, **PERIODIC).certificate, "1000000000000 classes"),
    "no translations": (lambda: whole(10**6, D4).dim, "GiB"),
    "no translations, listed": (lambda: whole(1000, D4).plain(), "1000000000000 classes"),
    "support": (lambda: dv.solve(SCALAR, SCALAR, dv.box(10**4)).dim, "400040001 classes"),
    "dense basis element": (lambda: whole(300, **PERIODIC).basis[0].dense(), "8100000000"),
}


@pytest.mark.parametrize("name", BIG)
def test_too_large_is_refused_before_it_allocates(name: str) -> None:
    make, part = BIG[name]
    start = time.perf_counter()
    with pytest.raises(dv.TooLargeError) as caught:
        make()
    assert part in str(caught.value)
    assert "use a smaller grid" in str(caught.value)
    assert time.perf_counter() - start < 20  # a refusal; listing any of these would take minutes
