"""What a solution on R^n says: kernels by name, forms, counts with symbols, and errors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv

SO2, SO3, O3 = dv.special_orthogonal(2), dv.special_orthogonal(3), dv.orthogonal(3)
E3 = dv.euclidean(3, SO3)


def between(E: dv.Euclidean, V: dv.Representation, W: dv.Representation, **options: Any) -> Any:
    return dv.solve(dv.Field(E, fibre=V), dv.Field(E, fibre=W), **options)


def l_to_l(a: int, b: int) -> Any:
    return between(E3, dv.irrep(SO3, a), dv.irrep(SO3, b))


FORMS = {
    (0, 0): "K(d) = f_1(|d|)*1",
    (0, 1): "K(d) = f_1(|d|)*d",
    (1, 0): "K(d) = f_1(|d|)*d^T",
    (1, 1): "K(d) = f_1(|d|)*I + f_2(|d|)*[d]_x + f_3(|d|)*S(d d^T)",
    (0, 2): "K(d) = f_1(|d|)*S(d d^T)",
    (2, 0): "K(d)*M = f_1(|d|)*d^T M d",
    (1, 2): "K(d)*v = f_1(|d|)*S(d v^T) + f_2(|d|)*S(d (d x v)^T) + f_3(|d|)*H((d.v) S(d d^T))",
    (2, 1): "K(d)*M = f_1(|d|)*M d + f_2(|d|)*d x M d + f_3(|d|)*H((d^T M d) d)",
    (2, 2): "K(d)*M = f_1(|d|)*M + f_2(|d|)*S([d]_x M) + f_3(|d|)*H(S(d (M d)^T)) "
    "+ f_4(|d|)*H(S(d (d x M d)^T)) + f_5(|d|)*H((d^T M d) S(d d^T))",
}


@pytest.mark.parametrize("pair", FORMS)
def test_kernels_have_names(pair: tuple[int, int]) -> None:
    s = l_to_l(*pair)
    assert dv.text(s.form) == FORMS[pair]
    assert s.dim == 2 * min(pair) + 1
    dv.latex(s.form)


def test_parity_halves_the_kernels() -> None:
    """O(3) keeps those whose parity is that of input times output."""
    E = dv.euclidean(3)
    for a in range(3):
        for b in range(3):
            for p in ("e", "o"):
                s = between(E, dv.irrep(O3, a), dv.irrep(O3, b, p))
                kept = [k for k in l_to_l(a, b).kernels if k.parity == (-1) ** a * (1 if p == "e" else -1)]
                assert s.dim == len(kept)
                assert [k.matrix for k in s.kernels] == [k.matrix for k in kept]


@pytest.mark.parametrize(("m", "n"), [(1, 2), (2, 1), (3, 3), (2, 4)])
def test_the_plane_in_complex_numbers(m: int, n: int) -> None:
    """m -> n: z^(n-m) w, i z^(n-m) w, z^(n+m) conj(w), i z^(n+m) conj(w)."""
    s = between(dv.euclidean(2, SO2), dv.irrep(SO2, m), dv.irrep(SO2, n))
    rng = np.random.default_rng(0)
    d, w = rng.normal(size=2), rng.normal(size=2)
    z, v = complex(*d), complex(*w)
    power = (z if n >= m else z.conjugate()) ** abs(n - m)
    wanted = [power * v, 1j * power * v, z ** (n + m) * v.conjugate(), 1j * z ** (n + m) * v.conjugate()]
    for kernel, value in zip(s.kernels, wanted, strict=True):
        matrix = np.array(kernel.matrix.subs(dict(zip(s.problem.letters, d, strict=True))), dtype=float)
        assert np.allclose(matrix @ w, [value.real, value.imag])


def test_kernels_unpack_and_are_arrays() -> None:
    kernel = l_to_l(1, 1).kernels[1]
    degree, parity, matrix = kernel
    d1, d2, d3 = (sp.Symbol(f"d_{k}", real=True) for k in (1, 2, 3))
    assert (degree, parity) == (1, -1)
    assert matrix == sp.Matrix([[0, -d3, d2], [d3, 0, -d1], [-d2, d1, 0]])
    assert kernel.dense().shape == (3, 3)
    assert repr(kernel) == "Kernel(degree=1, [d]_x)"
    assert len(l_to_l(1, 1).basis) == 3
    assert [k.degree for k in l_to_l(1, 1).kernels[:2]] == [0, 1]
    with pytest.raises(IndexError):
        l_to_l(1, 1).kernels[3]


def test_copies_and_symbols() -> None:
    E = dv.euclidean(3)
    f = dv.Field(E, fibre=dv.irreps(O3, "8x0e + 4x1o"))
    s = dv.solve(f, f)
    assert s.dim == 64 + 32 + 32 + 2 * 16 == len(s.kernels)
    assert s.bias_dim == 8
    assert s.by_degree == (64 + 16, 64, 16)
    assert s.kernels[-1].matrix.shape == (20, 20)
    assert s.certificate.holds
    s = dv.solve(dv.Field(E, channels="C"), dv.Field(E, fibre=dv.irrep(O3, 1)))
    assert str(s.dim) == "C"
    assert s.certificate.holds
    s.derivation.check()
    with pytest.raises(dv.SymbolicError, match="kernels need numbers of copies"):
        s.kernels[0]


def test_first_invariants_of_finite_groups() -> None:
    """The first scalar besides 1 has degree 6 for I, 4 for O, n for Cn."""
    for name, dim, first in (("I", 3, 6), ("O", 3, 4), ("C5", 2, 5), ("D7", 2, 7)):
        G = dv.point_group(name, dim)
        s = between(dv.euclidean(dim, G), dv.trivial(G), dv.trivial(G), max_degree=first)
        assert [k for k, n in enumerate(s.by_degree) if n] == [0, first]


def test_one_dimension_ends_by_itself() -> None:
    s = between(dv.euclidean(1), dv.trivial(dv.orthogonal(1)), dv.sign(dv.orthogonal(1)))
    assert (s.by_degree, s.dim, s.at_origin) == ((0, 1), 1, 0)


def test_degrees_may_be_cut() -> None:
    s = between(E3, dv.irrep(SO3, 1), dv.irrep(SO3, 1), max_degree=1)
    assert s.by_degree == (1, 1)
    assert s.dim == 2
    assert s.certificate.holds
    assert between(E3, dv.irrep(SO3, 1), dv.irrep(SO3, 1), max_degree=9).by_degree == (1, 1, 1)


def test_counts_are_independent_of_the_kernels() -> None:
    """A kernel too few: the certificate fails."""
    s = l_to_l(1, 1)
    c = s.certificate
    assert c.holds
    assert "SO(2), the stabiliser of a direction" in c.method
    from dataclasses import replace

    assert not replace(c, dim=2).holds


def test_spoiled_kernels_fail_the_identity() -> None:
    from derive.symmetry.polynomials import defects

    s = l_to_l(1, 2)
    pair = s.answer.pairs[0].kernels
    actions = E3.actions(pair.output, pair.input)
    for kernel in s.kernels:
        assert not list(defects(actions, [kernel.matrix], s.problem.letters))
        for at, value in list(kernel.matrix.todok().items())[:4]:
            spoiled = kernel.matrix.as_mutable()
            spoiled[at] = -value
            assert list(defects(actions, [spoiled], s.problem.letters))


def test_equal_copied_and_pickled() -> None:
    s = l_to_l(1, 1)
    assert copy.deepcopy(s) == s == pickle.loads(pickle.dumps(s))
    assert isinstance(s, dv.Solution)
    E = dv.euclidean(2, dv.point_group("D3", 2))
    assert pickle.loads(pickle.dumps(E)) == E
    D = s.derivation
    assert pickle.loads(pickle.dumps(D)) == D


BAD = [
    (lambda v: dv.solve(v, v, support=dv.box(1)), r"support must be a ball on R\^n"),
    (lambda v: dv.solve(v, v, support=dv.ball(0)), "must have a positive radius"),
    (lambda v: dv.solve(v, v, max_degree=-1), "max_degree must be a non-negative integer"),
    (lambda v: dv.solve(v, dv.trivial(SO3)), r"y must be a field on R\^n"),
    (lambda v: dv.solve(v, dv.Field(dv.euclidean(3))), "x, y must be fields of one group"),
    (lambda v: dv.Field(E3, fibre=dv.trivial(O3)), "fibre must be a representation of the point group"),
    (lambda v: dv.Field(E3, grid=(3, 3, 3)), r"grid must be left out on R\^3"),
    (lambda v: dv.Field(E3, spacing=2), r"spacing must be left out on R\^3"),
    (lambda v: dv.solve(v, v).project([[1]]), "project needs finitely many weights"),
    (lambda v: dv.solve(v, v).restrict(SO3), "restrict is not written for solutions on"),
    (lambda v: E3.restrict(SO2), "subgroup must be a subgroup"),
    (lambda v: dv.solve(dv.Field(dv.translations(2)), dv.Field(dv.translations(2)), dv.box(1), max_degree=2),
     "max_degree must be left out"),
    (lambda v: dv.solve(dv.Field(dv.translations(2)), dv.Field(dv.translations(2)), dv.ball("R")),
     "must have a number as its radius"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_input_is_refused(make: Any, message: str) -> None:
    v = dv.Field(E3, fibre=dv.irrep(SO3, 1))
    with pytest.raises(dv.DeriveError, match=message):
        make(v)


def test_finite_groups_need_a_degree() -> None:
    x = dv.Field(dv.euclidean(2, dv.point_group("C8", 2)))
    with pytest.raises(
        dv.SizeError, match="max_degree must be given for C8: its orbits of directions are finite"
    ):
        dv.solve(x, x)


def test_no_representation_of_the_compact_group() -> None:
    V = dv.Representation(SO2, {"x01": [[0, 1], [1, 0]]})
    x = dv.Field(dv.euclidean(2, SO2), fibre=V)
    with pytest.raises(
        dv.RepresentationError, match=r"fibre must be a representation of the compact group SO\(2\)"
    ):
        dv.solve(x, x)


def test_fields_restrict_to_subgroups() -> None:
    """O(3) to SO(3): kernels of both parities appear."""
    E = dv.euclidean(3)
    S = E.restrict(O3.subgroup(["x01", "x02", "x12"]))
    v = dv.Field(E, fibre=dv.irrep(O3, 1))
    assert (dv.solve(v, v).dim, dv.solve(v.restrict(S), v.restrict(S)).dim) == (2, 3)


def test_reflections_decide_between_names() -> None:
    """O(2) keeps d for scalars and J d for pseudoscalars, I and S(d d^T) between vectors."""
    O2 = dv.orthogonal(2)
    E, V = dv.euclidean(2), dv.irrep(O2, 1)
    forms = {
        "K(d) = f_1(|d|)*d": (dv.trivial(O2), V),
        "K(d) = f_1(|d|)*J d": (dv.sign(O2), V),
        "K(d) = f_1(|d|)*(J d)^T": (V, dv.sign(O2)),
        "K(d) = f_1(|d|)*I + f_2(|d|)*S(d d^T)": (V, V),
    }
    assert [dv.text(between(E, *pair).form) for pair in forms.values()] == list(forms)


STRATA = {
    ("Ih", 3): [("mirror plane", 60), ("5-fold axis", 12), ("3-fold axis", 20), ("2-fold axis", 30)],
    ("O", 3): [("4-fold axis", 6), ("3-fold axis", 8), ("2-fold axis", 12)],
    ("C4v", 3): [("mirror plane", 4), ("mirror plane", 4), ("4-fold axis", 1)],
    ("D8", 2): [("mirror line", 8), ("mirror line", 8)],
    ("D5", 2): [("mirror line", 5)],
    ("C5", 2): [],
}


@pytest.mark.parametrize("name", STRATA)
def test_special_directions(name: tuple[str, int]) -> None:
    """Each kind once, with the number of directions on an orbit of it."""
    G = dv.point_group(*name)
    s = between(dv.euclidean(name[1], G), dv.trivial(G), dv.trivial(G), max_degree=0)
    found = [
        (next(k for k, _ in STRATA[name] if o.name.startswith(k)), o.directions) for o in s.special_orbits
    ]
    assert found == STRATA[name]
