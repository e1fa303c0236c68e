"""Fibres by the names that the table of reference dimensions has for them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sympy as sp

import derive as dv
from derive.symmetry.harmonics import harmonic_images

Row = dict[str, str]
ROWS: list[Row] = list(csv.DictReader((Path(__file__).parent / "known_space_dimensions.csv").open()))


def group(name: str, n: int) -> dv.Group:
    if name in ("U(1)", f"SO({n})"):
        return dv.special_orthogonal(n)
    return dv.orthogonal(n) if name == f"O({n})" else dv.point_group(name.replace("_", ""), dim=n)


def harmonic(space: dv.Euclidean, degree: int) -> dv.Representation:
    """The harmonic polynomials of a degree, for any point group."""
    G = space.point
    images = harmonic_images(
        [space.action[g] for g in G.generators], [g in G.algebra for g in G.generators], degree
    )
    return dv.Representation(G, dict(zip(G.generators, images, strict=True)))


def conjugate(V: dv.Representation) -> dv.Representation:
    """sqrt(5) -> -sqrt(5)."""
    G = V.group
    matrices = {g: V.matrix(g).applyfunc(lambda e: e.subs(sp.sqrt(5), -sp.sqrt(5))) for g in G.generators}
    return dv.Representation(G, matrices)


def on_five(G: dv.Group) -> dv.Representation:
    """The four-dimensional representation of I: five cosets of T, on vectors of sum zero."""
    words, orders = G.elements.words, G.elements.orders
    pairs = ((a, b) for a in range(60) for b in range(60) if orders[a] == 2 and orders[b] == 3)
    subgroups = (G.subgroup({"a": words[a], "b": words[b]}) for a, b in pairs)
    P = dv.quotient(G, next(H for H in subgroups if H.order == 12))
    basis = sp.Matrix(5, 4, lambda i, j: 1 if i == j else -1 if i == 4 else 0)
    return dv.Representation(G, {g: (P.matrix(g) * basis)[:4, :] for g in G.generators})


def fibre(space: dv.Euclidean, name: str) -> dv.Representation:
    G, V = space.point, space.vectors
    det = dv.determinant(V)
    if name.startswith("frequency"):
        return harmonic(space, int(name.split()[1]))
    if name.startswith("e^("):
        return dv.Representation(G, {"x01": [[int(name[3:-1].rstrip("i")) * sp.I]]})
    known: dict[str, Callable[[], Any]] = {
        "scalar": lambda: dv.trivial(G),
        "A (scalar)": lambda: dv.trivial(G),
        "pseudoscalar": lambda: det,
        "vector": lambda: V,
        "T1 (vector)": lambda: V,
        "pseudovector": lambda: V * det,
        "tensor2": lambda: V**2,
        "sym2_traceless": lambda: harmonic(space, 2),
        "H (sym2_traceless)": lambda: harmonic(space, 2),
        "pseudo sym2_traceless": lambda: harmonic(space, 2) * det,
        "antisymmetric2": lambda: dv.alt(V, 2),
        "regular": lambda: dv.regular(G),
        "l=3": lambda: dv.irrep(G, 3),
        "l=3 odd": lambda: dv.irrep(G, 3, "o"),
        "0+1+2": lambda: dv.trivial(G) + V + harmonic(space, 2),
        "0+1+2 (harmonics)": lambda: dv.trivial(G) + V + harmonic(space, 2),
        "T2": lambda: conjugate(V),
        "G": lambda: on_five(G),
        "sign": lambda: dv.Representation(G, {g: [[-1]] for g in G.generators}),
    }
    return known[name]()


def solved(row: Row, **options: Any) -> dv.Solution:
    n = int(row["n"])
    space = dv.euclidean(n, group(row["group"], n))
    x, y = (dv.Field(space, fibre=fibre(space, row[side])) for side in ("in", "out"))
    assert (x.channels, y.channels) == (int(row["dim_in"]), int(row["dim_out"]))
    top = None if space.transitive else 6
    return dv.solve(x, y, support=dv.ball("R"), max_degree=top, **options)
