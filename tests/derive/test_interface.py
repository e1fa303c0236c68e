"""One interface: every statement is answered by a Solution with the same attributes, and they agree."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Eq, IndexedBase, Tuple

import derive as dv

S3, SO3, P4M = dv.symmetric(3), dv.special_orthogonal(3), dv.wallpaper("p4m")
Z1, Z2, STRIDED = dv.translations(1), dv.translations(2), dv.translations(1, period=2)
V, R3 = dv.defining(S3), dv.defining(SO3)
ONE = dv.trivial(S3)
PAULI = {"a": [[0, 1], [1, 0]], "b": [[1, 0], [0, -1]]}


def _torus(channels: Any) -> dv.Field:
    return dv.Field(Z1, channels, grid=6, boundary="periodic")


def _border(channels: Any) -> dv.Field:
    return dv.Field(Z2, channels, grid=("H", "W"), boundary="zero")


LATTICE: dict[str, Callable[[], Any]] = {
    "convolution": lambda: dv.solve(dv.Field(Z2, "C"), dv.Field(Z2, "D"), support=dv.box("r")),
    "strided": lambda: dv.solve(dv.Field(STRIDED, 2), dv.Field(STRIDED, 3, spacing=2), support=dv.box(1)),
    "torus": lambda: dv.solve(_torus(1), _torus(2)),
    "window": lambda: dv.solve(_border("C"), _border("D"), support=dv.box(1)),
    "p4m": lambda: dv.solve(dv.Field(P4M, 1), dv.Field(P4M, fibre=dv.regular(P4M.point)), support=dv.box(1)),
    "p4m blocks": lambda: dv.solve(
        dv.Field(P4M, fibre=2 * dv.trivial(P4M.point) + dv.defining(P4M.point)),
        dv.Field(P4M, fibre=dv.defining(P4M.point)),
        support=dv.box(1),
    ),
    "p4m, nothing": lambda: dv.solve(
        dv.Field(P4M, fibre=dv.sign(P4M.point)), dv.Field(P4M, 1), support=dv.box(1)
    ),
    "pooling": lambda: dv.solve(dv.Field(P4M, 2), dv.trivial(P4M.point)),
    "pooling of symbols": lambda: dv.solve(dv.Field(Z2, "C"), dv.trivial(Z2.point)),
}
SMALL: dict[str, Callable[[], Any]] = {
    "permutations": lambda: dv.solve(V, V),
    "permutations, larger": lambda: dv.solve(V**2, V),
    "invariants": lambda: dv.solve(V**2, ONE),
    "signs": lambda: dv.solve(
        dv.defining(dv.hyperoctahedral(2)) ** 2, dv.defining(dv.hyperoctahedral(2)) ** 2
    ),
    "matrices": lambda: dv.solve(
        dv.defining(dv.matrix_group(PAULI)) ** 2, dv.defining(dv.matrix_group(PAULI))
    ),
    "irrational": lambda: dv.solve(dv.regular(dv.cyclic(5)), dv.irreps(dv.cyclic(5))[1]),
    "Lie": lambda: dv.solve(R3**2, R3),
    "Lie, three maps": lambda: dv.solve(R3**3, R3),
    "blocks": lambda: dv.solve(V + V**2, V + ONE),
    "copies": lambda: dv.solve(2 * V, 3 * V),
    "nothing": lambda: dv.solve(dv.sign(S3), ONE, bias=False),
    "no bias": lambda: dv.solve(V, V, bias=False),
}
COPIES: dict[str, Callable[[], Any]] = {
    "n to one": lambda: dv.solve("n" * V, V),
    "one to n": lambda: dv.solve(V, "n" * ONE),
    "n to m": lambda: dv.solve("n" * V, "m" * V**2),
    "n of a Lie group": lambda: dv.solve("n" * R3, R3**2),
    "n, nothing": lambda: dv.solve("n" * dv.sign(S3), V),
    "n and one": lambda: dv.solve("n" * V + V, V),
}
LARGE: dict[str, Callable[[], Any]] = {
    "large": lambda: dv.solve(V**3, V**3),
    "very large": lambda: dv.solve(dv.defining(dv.symmetric(300)) ** 2, dv.defining(dv.symmetric(300))),
}
ALL = {**LATTICE, **SMALL, **COPIES, **LARGE}

KINDS: dict[str, Any] = {
    "operator": Eq,
    "equation": (Eq, Tuple),
    "constraint": (Eq, Tuple),
    "form": (Eq, Tuple),
    "layer": Eq,
    "dim": sympy.Expr,
    "bias_dim": sympy.Expr,
    "tying": dv.Tying,
    "certificate": dv.Certificate,
    "assumptions": tuple,
}


@pytest.mark.parametrize("name", ALL)
def test_every_statement_is_answered_by_one_type(name: str) -> None:
    solution = ALL[name]()
    assert type(solution) is dv.Solution
    for attribute, kind in KINDS.items():
        assert isinstance(getattr(solution, attribute), kind), attribute
    assert all(callable(getattr(solution, method)) for method in ("project", "restrict", "why_zero"))
    assert hasattr(type(solution), "basis")
    assert isinstance(solution.why_zero(), str)
    assert solution.certificate.holds


@pytest.mark.parametrize("name", ALL)
def test_what_is_printed_is_short_and_typesets(name: str) -> None:
    solution = ALL[name]()
    assert "\n" not in repr(solution)
    assert repr(solution).startswith("Solution(")
    assert str(solution.tying).strip()
    assert re.fullmatch(r"\$\\displaystyle .*\$", solution._repr_latex_(), re.DOTALL)


@pytest.mark.parametrize("name", [*LATTICE, *SMALL, *COPIES])
def test_every_answer_has_a_derivation_that_checks(name: str) -> None:
    derivation = ALL[name]().derivation
    assert isinstance(derivation, dv.Derivation)
    derivation.check()


def test_the_answer_is_annotated() -> None:
    assert typing.get_type_hints(dv.solve)["return"] is dv.Solution


# ---- the general answer against the basis -----------------------------------------------------------------


def _numbers(letter: str, count: Any, seed: int) -> tuple[dict[Any, int], list[int]]:
    values = np.random.default_rng(seed).integers(-9, 10, int(count)).tolist()
    return {IndexedBase(letter)[j]: value for j, value in enumerate(values)}, values


def _combined(basis: Any, values: list[int], shape: tuple[int, int]) -> sympy.Matrix:
    total = sympy.zeros(*shape)
    for element, value in zip(basis, values, strict=True):
        total += value * sympy.Matrix(element.dense().tolist())
    return total


@pytest.mark.parametrize("name", SMALL)
def test_the_form_is_the_sum_of_the_basis_elements(name: str) -> None:
    solution = SMALL[name]()
    weights, values = _numbers("w", solution.dim, 1)
    written = sympy.Matrix(solution.form.rhs.xreplace(weights))
    assert sympy.simplify(written - _combined(solution.basis, values, written.shape)).is_zero_matrix


@pytest.mark.parametrize("name", SMALL)
def test_the_layer_is_a_matrix_times_x_and_an_invariant_bias(name: str) -> None:
    solution = SMALL[name]()
    weights, values = _numbers("w", solution.dim, 2)
    biases, constants = _numbers("v", solution.bias_dim, 3)
    rows, columns = solution.form.rhs.shape
    entries, x = _numbers("x", columns, 4)
    layer = sympy.Matrix(solution.layer.rhs.xreplace({**weights, **biases, **entries}))
    expected = _combined(solution.basis, values, (rows, columns)) * sympy.Matrix(x)
    if solution.bias_dim:
        group = solution.problem.group.point
        invariants = dv.solve(dv.trivial(group), solution.problem.y.fibre, bias=False)
        expected += _combined(invariants.basis, constants, (rows, 1))
    assert sympy.simplify(layer - expected).is_zero_matrix


def test_maps_of_copies_say_what_every_piece_is() -> None:
    """w[k,p,q] times B[k] from copy q to copy p: the identity and what is left, for permutations."""
    combined, *pieces = dv.solve("n" * V, "m" * V).form
    assert dv.text(combined.lhs) == "A[i,c]"
    identity = sympy.eye(3)
    assert [sympy.Matrix(piece.rhs) for piece in pieces] == [identity, sympy.ones(3, 3) - identity]
    n, A = 4, np.empty((6, 12), dtype=object)
    w = np.random.default_rng(5).integers(-9, 10, (2, 2, n)).tolist()
    table = [np.array(piece.rhs.tolist()) for piece in pieces]
    i, c = combined.lhs.indices
    for row, column in np.ndindex(6, 12):
        entry = combined.rhs.xreplace({i: sympy.Integer(row), c: sympy.Integer(column)}).doit()
        A[row, column] = entry.replace(lambda e: isinstance(e, sympy.Indexed), lambda e: _read(e, w, table))
    assert (sum(np.kron(np.array(w[k]), table[k]) for k in range(2)) == A).all()


def _read(entry: Any, w: Any, table: Any) -> Any:
    k, row, column = (int(index) for index in entry.indices)
    return sympy.sympify((w if entry.base.label.name == "w" else table)[k][row][column])


@pytest.mark.parametrize("make", [lambda: dv.solve("n" * dv.sign(S3), V, bias=False), LARGE["large"]])
def test_large_layers_name_no_bias_that_is_zero(make: Callable[[], Any]) -> None:
    solution = make()
    assert (IndexedBase("v").label in solution.layer.rhs.free_symbols) == bool(solution.bias_dim)


def test_a_large_pseudotensor_has_no_bias() -> None:
    layer = dv.solve(R3**4, R3).layer
    large = dv.solve(R3**5, R3).layer
    assert not any(s.name in ("b", "v") for s in (layer.rhs.free_symbols | large.rhs.free_symbols))


def test_a_generator_called_like_an_index_is_printed_with_another_name() -> None:
    """S_3 is generated by c and s; rho_y(c)[i,j] A[j,c] would have two meanings of c."""
    assert "rho_y(c_0)[i,j]" in dv.text(dv.solve(V, V).constraint)
    assert "(c)" not in dv.text(dv.solve(V, V).equation)
    assert "rho_y(s)[i,j]" in dv.text(dv.solve(V, V).constraint)


def test_a_basis_of_symbolic_copies_is_refused_with_what_to_do() -> None:
    with pytest.raises(dv.SymbolicError, match=r"copies.*substitute"):
        dv.solve("n" * V, V).basis[0]
    with pytest.raises(dv.SymbolicError, match="sizes="):
        dv.solve("n" * V, V).plain()
    assert dv.solve("n" * V, V).plain(sizes={"n": 2}) is not None


# ---- large answers ----------------------------------------------------------------------------------------

B4 = dv.defining(dv.hyperoctahedral(4))
TABLED: dict[str, Callable[[], Any]] = {
    "large": LARGE["large"],
    "products of independent groups": lambda: dv.solve(*(2 * [dv.defining(S3 * dv.symmetric(4)) ** 2])),
    "orbits times null spaces": lambda: dv.solve(*(2 * [dv.outer(R3**2, V)])),
    "blocks and copies": lambda: dv.solve(2 * V**3 + ONE, V**2 + V),
    "phases": lambda: dv.solve(B4**2 + B4**4, B4**2),
    "a Lie group": lambda: dv.solve(R3**3, R3**3),
    "roots of unity": lambda: dv.solve(dv.regular(dv.cyclic(5)) ** 2, 3 * dv.irreps(dv.cyclic(5))[1] ** 2),
}


@pytest.mark.parametrize("name", TABLED)
def test_the_orbit_table_names_the_first_entry_of_every_map_and_counts_the_others(name: str) -> None:
    solution = TABLED[name]()
    _, *rows = solution.form
    assert len(rows) == solution.dim
    for k, row in enumerate(rows):
        assert row[0] == IndexedBase("w")[k]
        first, many = sorted(row[1].args, key=lambda eq: eq.lhs.is_Symbol)
        number, at, column = map(int, first.lhs.indices)
        element = solution.basis[k]
        nonzero = sorted(zip(element.rows.tolist(), element.columns.tolist(), strict=True))
        assert (number, at, column) == (k, *nonzero[0])
        value = element.values[np.flatnonzero((element.rows == at) & (element.columns == column))[0]]
        assert first.rhs == value
        assert many == Eq(many.lhs, len(nonzero), evaluate=False)
        assert str(many.lhs) == f"nnz(B[{k}])"


def test_an_orbit_too_large_to_list_is_in_the_table() -> None:
    form = dv.solve(*(2 * [dv.defining(dv.symmetric(20000))])).form
    assert dv.text(form).splitlines()[1:] == [
        "w[0]: B[0,0,0] = 1 and nnz(B[0]) = 20000",
        "w[1]: B[1,0,1] = 1 and nnz(B[1]) = 399980000",
    ]


def test_a_large_layer_is_written_by_free_weights() -> None:
    P = dv.defining(dv.symmetric(20))
    layer = dv.solve(P, P).layer
    written = "Sum(x[c]*Sum(B[k,i,c]*w[k], (k, 0, 1)), (c, 0, 19)) + Sum(D[k,i]*v[k], (k, 0, 0))"
    assert sorted(dv.text(layer.rhs).split(" + ")) == sorted(written.split(" + "))
    assert dv.text(layer.lhs) == "y[i]"


@pytest.mark.parametrize("name", ["k", "B", "D"])
def test_no_letter_of_an_equation_is_the_name_of_a_size(name: str) -> None:
    """Sum(..., (k, 0, 3*k - 1)) would have two meanings of k."""
    solution = dv.solve(name * V, V)
    for formula in (solution.equation, solution.constraint, solution.form, solution.layer):
        bound = {limit[0].name for total in formula.atoms(sympy.Sum) for limit in total.limits}
        bases = {str(e.base.label) for e in formula.atoms(sympy.Indexed)}
        assert name not in bound | bases


def test_bases_and_patterns_are_one_line() -> None:
    solution = dv.solve(V, V)
    assert repr(solution.basis) == "Basis(V -> V under S_3: 2 elements)"
    assert repr(solution.tying) == "Tying(V -> V under S_3: 2 free weights)"
    assert str(dv.solve(V, ONE).tying) == "V -> 1: 1 free weight\n  a a a"
    assert str(dv.solve(2 * V, ONE).tying).startswith("V -> 1: 1 free weight per pair of copies\n")


def test_a_pattern_too_wide_for_a_page_is_its_title() -> None:
    assert str(dv.solve(R3**4, R3**3, bias=False).tying) == "V*V*V*V -> V*V*V: 36 free weights"
    assert max(map(len, str(dv.solve(R3**3, R3**3).tying).splitlines())) <= 160
