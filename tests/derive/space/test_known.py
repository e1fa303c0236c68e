"""All rows of the table of reference dimensions, and the exact kernels against floating-point null spaces."""

from __future__ import annotations

import json
from collections import Counter
from itertools import zip_longest

import numpy as np
import pytest
import sympy as sp

import derive as dv
from tests.derive.space.fibres import ROWS, Row, solved
from tests.derive.space.oracle import numeric_kernels, span_of

COMPACT = [row for row in ROWS if not row["group"].startswith("SO+")]
LORENTZ = [row for row in ROWS if row["group"].startswith("SO+")]
AXES = {"<100>": "(0, 0, 1)", "<111>": "(1, 1, 1)", "<110>": "(1, 0, 1)"}


def title(row: Row) -> str:
    return f"{row['group']}: {row['in']} -> {row['out']}"


@pytest.mark.parametrize("row", COMPACT, ids=title)
def test_dimensions_and_certificates(row: Row) -> None:
    s = solved(row)
    assert (s.dim, s.at_origin) == (int(row["dim_r"]), int(row["dim_origin"]))
    if row["by_harmonic_degree"][:1].isdigit():
        known = [int(n) for n in row["by_harmonic_degree"].split()]
        assert all(a == b for a, b in zip_longest(known, s.by_degree, fillvalue=0))
    assert s.by_degree[0] == s.at_origin
    special = json.loads(row["special_orbits"] or "{}")
    for name, dim in special.items():
        assert dim in [o.dim for o in s.special_orbits if of_kind(name, o.name)] or is_generic(row, name, dim)
    c = s.certificate
    assert c.holds
    assert c.residual == 0
    assert c.independent
    assert c.expected_dim == sum(s.by_degree)
    assert s.dim != 0 or "zero" in s.why_zero()


def of_kind(known: str, ours: str) -> bool:
    return ours.startswith(known.split(" through")[0].split(" at")[0]) or ours.endswith(
        AXES.get(known, known)
    )


def is_generic(row: Row, name: str, dim: int) -> bool:
    """T has no axes along <110>, and its axes along <100> are ours along z."""
    return row["group"] == "T" and name == "<110>" and dim == int(row["dim_r"])


@pytest.mark.parametrize("row", [r for r in COMPACT if r["group"] == "U(1)"], ids=title)
def test_complex_kernels_are_powers_of_z(row: Row) -> None:
    s = solved(row)
    u, v = s.problem.letters
    z = u - sp.I * v if "conj" in row["by_harmonic_degree"] else u + sp.I * v
    power = int(row["by_harmonic_degree"].split("^")[1])
    (kernel,) = s.kernels
    assert kernel.degree == power
    assert sp.expand(kernel.matrix[0, 0] - sp.expand(z**power)) == 0


SPANNED = [r for r in COMPACT if r["group"] != "U(1)" and int(r["dim_in"]) * int(r["dim_out"]) <= 20]


@pytest.mark.parametrize("row", SPANNED[::4], ids=title)
def test_spans_are_those_of_floating_point(row: Row) -> None:
    """Kernels at random points, against a null space of the equation on random harmonic polynomials."""
    s = solved(row)
    for degree in range(min(len(s.by_degree), 4)):
        ours = [k for k in s.kernels if k.degree == degree]
        exact, floating = span_of(s, ours), numeric_kernels(s, degree)
        assert floating.shape[1] == len(ours)
        if ours:
            both = np.linalg.matrix_rank(np.hstack([exact, floating]), tol=1e-8)
            assert both == np.linalg.matrix_rank(exact, tol=1e-8) == len(ours)


def test_the_table_is_used_whole() -> None:
    assert len(ROWS) == 133
    assert len(COMPACT) == 131
    assert Counter(row["group"] for row in LORENTZ) == {"SO+(1,3)": 2}


@pytest.mark.parametrize("row", LORENTZ, ids=title)
def test_lorentz_has_no_kernels_but_counts(row: Row) -> None:
    """Orbits are not compact, so fields on R^4 are refused; maps that rotations fix are counted as before."""
    G = dv.lorentz()
    with pytest.raises(dv.GroupError, match=r"point must be compact.*use special_orthogonal"):
        dv.euclidean(4, G)
    V = dv.defining(G)
    names = {"vector": V, "antisymmetric2": dv.alt(V, 2)}
    into, out = (names.get(row[side], dv.sym(V, 2)) for side in ("in", "out"))
    S = G.subgroup(["x12", "x13", "x23"])
    found = dv.solve(into.restrict(S), out.restrict(S)).dim - dv.solve(into, out).dim
    less = dv.solve(into.restrict(S), dv.trivial(S)).dim if out.dim == 10 else 0  # the trace
    assert found + dv.solve(into, out).dim - less == int(row["dim_r"])
