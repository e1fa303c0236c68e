"""Counts by weights against closed forms: reductive groups given by matrices of the user's own."""

from itertools import islice
from math import comb, factorial
from typing import Any

import numpy as np
import pytest
from sympy import I, ImmutableMatrix, Matrix, Rational, diag, eye, zeros

import derive as dv
from derive.counting.count import hom_dimension
from derive.counting.modular import modular_counter
from derive.counting.roots import root_counter
from derive.symmetry.residues import residues


def _unit(n: int, i: int, j: int) -> Any:
    m = zeros(n, n)
    m[i, j] = 1
    return m


def _so(p: int, q: int) -> dict[str, Any]:
    """Matrices that keep the form of signature (p, q)."""
    n, g = p + q, [1] * p + [-1] * q
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return {f"x{i}{j}": g[j] * _unit(n, i, j) - g[i] * _unit(n, j, i) for i, j in pairs}


def _su(n: int) -> dict[str, Any]:
    out = {}
    for i in range(n):
        for j in range(i + 1, n):
            out[f"a{i}{j}"] = _unit(n, i, j) - _unit(n, j, i)
            out[f"s{i}{j}"] = I * (_unit(n, i, j) + _unit(n, j, i))
    return out | {f"h{i}": I * (_unit(n, i, i) - _unit(n, i + 1, i + 1)) for i in range(n - 1)}


def _u(n: int) -> dict[str, Any]:
    return _su(n) | {"c": I * eye(n)}


P = Matrix([[1, 2, 0], [0, 1, 1], [1, 0, 3]])
_TURNS = [P * m * P.inv() for m in _so(3, 0).values()]
OWN_SO3 = {"a": _TURNS[0] + _TURNS[1], "b": _TURNS[1] - 2 * _TURNS[2], "c": _TURNS[2] + _TURNS[0] / 3}
SL2 = {"h": diag(1, -1), "e": _unit(2, 0, 1), "f": _unit(2, 1, 0)}
SL2_TWICE = {
    f"{n}{k}": diag(*(m if i == k else zeros(2, 2) for i in (0, 1))) for n, m in SL2.items() for k in (0, 1)
}
SWAP = Matrix(4, 4, lambda i, j: int(abs(i - j) == 2))


def _group(algebra: dict[str, Any], **discrete: Any) -> dv.Group:
    return dv.matrix_group(discrete, algebra=algebra, name="own")


def _catalan(n: int) -> int:
    return comb(2 * n, n) // (n + 1)


# Invariants of tensor powers of the defining representation, by known formulas: SO(4) is SU(2) x SU(2) on
# (1/2, 1/2), so Catalan numbers squared; SO(3) has the Riordan numbers; O(n) Brauer's pairings.
INVARIANTS = [
    ("so(1,3)", _group(_so(1, 3)), {2: 1, 3: 0, 4: _catalan(2) ** 2, 5: 0, 6: _catalan(3) ** 2}),
    ("so(2,2)", _group(_so(2, 2)), {4: 4, 6: 25}),
    ("so(4)", _group(_so(4, 0)), {4: 4}),
    ("O(1,3)", _group(_so(1, 3), p=diag(1, -1, -1, -1), t=diag(-1, 1, 1, 1)), {4: 3, 5: 0, 6: 15}),
    ("O(4)", _group(_so(4, 0), m=diag(1, 1, 1, -1)), {4: 3, 6: 15}),
    ("so(3), own basis", _group(OWN_SO3), {2: 1, 3: 1, 4: 3, 5: 6, 6: 15}),
    ("O(3), own basis", _group(OWN_SO3, m=P * diag(-1, 1, 1) * P.inv()), {3: 0, 4: 3}),
    ("so(3) and a half turn of it", _group(OWN_SO3, m=P * diag(-1, -1, 1) * P.inv()), {3: 1, 4: 3}),
    ("O(2)", _group({"x": 3 * _so(2, 0)["x01"]}, m=[[0, 1], [1, 0]]), {2: 1, 4: 3, 6: 10}),
    ("sl(2) + sl(2)", _group(SL2_TWICE), {2: 2, 4: 2 * 2 + 6}),
    ("sl(2) + sl(2) and their exchange", _group(SL2_TWICE, s=SWAP), {2: 1, 4: 5}),
    ("so(7)", _group(_so(7, 0)), {4: 3}),
    ("su(2)", _group(_su(2)), {2: 1, 3: 0, 4: 2, 6: 5, 8: 14}),
    ("su(3)", _group(_su(3)), {2: 0, 3: 1, 6: 5}),
    ("u(2)", _group(_u(2)), {4: 0}),
]
CASES = [
    pytest.param(G, k, n, id=f"{name}, V^{k}") for name, G, wanted in INVARIANTS for k, n in wanted.items()
]


@pytest.mark.parametrize(("G", "k", "expected"), CASES)
def test_invariants_of_tensor_powers(G: dv.Group, k: int, expected: int) -> None:
    V = dv.defining(G)
    count, method = hom_dimension(dv.trivial(G), V**k)
    assert count == expected
    assert method.startswith("weights of a Cartan subalgebra")
    if V.dim**k <= 300:
        solution = dv.solve(dv.trivial(G), V**k)
        assert solution.dim == expected
        assert solution.certificate.holds


@pytest.mark.parametrize(("n", "k"), [(2, 1), (2, 2), (2, 3), (3, 1), (3, 2)])
def test_the_unitary_groups_count_permutations(n: int, k: int) -> None:
    """``End(V^k)`` is spanned by the k! permutations when k <= n; for U(2) the Catalan number."""
    V = dv.defining(_group(_u(n)))
    expected = factorial(k) if k <= n else _catalan(k)
    for x in (V**k, V.dual**k):
        solution = dv.solve(x, x)
        assert solution.dim == expected
        assert solution.certificate.holds
        assert "counted over C" in solution.certificate.method


@pytest.mark.parametrize("algebra", [_su(2), _u(2), _su(3)], ids=["su(2)", "u(2)", "su(3)"])
def test_complex_matrices_solve_numerically(algebra: dict[str, Any]) -> None:
    """V x V' -> V x V' against the null space of the equations in floating point."""
    G = _group(algebra)
    V = dv.defining(G)
    W = V * V.dual
    solution = dv.solve(W, W)
    equations = []
    for g in G.generators:
        m = np.array(W.matrix(g).tolist(), dtype=complex)
        one = np.eye(len(m))
        equations.append(np.kron(m, one) - np.kron(one, m.T))
    stacked = np.concatenate(equations)
    expected = stacked.shape[1] - np.linalg.matrix_rank(stacked)
    assert solution.dim == expected == 2
    for k in range(2):
        flat = solution.basis[k].dense().astype(complex).ravel()
        assert np.allclose(stacked @ flat, 0)
    assert dv.solve(V, W).dim == 0


def test_clebsch_gordan() -> None:
    """``Sym^a x Sym^b = Sym^(a+b) + ... + Sym^|a-b|`` of su(2)."""
    V = dv.defining(_group(_su(2)))
    for a, b, c in ((1, 1, 2), (2, 1, 3), (2, 2, 2), (2, 1, 2), (3, 2, 1)):
        expected = int(abs(a - b) <= c <= a + b and (a + b - c) % 2 == 0)
        count, _ = hom_dimension(dv.sym(V, a) * dv.sym(V, b), dv.sym(V, c))
        assert count == expected


def test_real_matrices_do_not_speak_of_complex_numbers() -> None:
    V = dv.defining(_group(_so(1, 3)))
    assert "over C" not in hom_dimension(V, V)[1]


@pytest.mark.parametrize(
    "algebra",
    [{"x": _unit(2, 0, 1)}, {"c": eye(2) + _unit(2, 0, 1)}, {"x": _unit(2, 0, 1), "h": diag(1, -1)}],
    ids=["unipotent", "a centre with a Jordan block", "solvable"],
)
def test_what_is_not_reductive_is_left_to_nullities(algebra: dict[str, Any]) -> None:
    G = _group(algebra)
    V = dv.defining(G)
    assert root_counter(G, [p for _, p in V.blocks]) is None
    certificate = dv.solve(V, V).certificate
    assert certificate.holds
    assert certificate.method.startswith("nullity modulo a prime")


def test_what_stays_incomplete_says_why_and_from_which_size() -> None:
    G = _group({"x": _unit(2, 0, 1)})
    V = dv.defining(G)
    certificate = dv.solve(dv.trivial(G), V**11).certificate
    assert certificate.complete is None
    assert "is incomplete" in str(certificate)
    assert "not seen to be reductive" in certificate.method
    assert "up to 1,500 unknowns, here 2,048" in certificate.method


# ---- unlucky primes -------------------------------------------------------------------------------------


def _first_prime() -> int:
    V = dv.defining(_group(SL2))
    return next(residues(V.matrix("h").to_DM().domain)).prime


def test_an_unlucky_prime_is_followed_by_another() -> None:
    """A nilpotent matrix that vanishes modulo the first prime, and a weight that does."""
    p = _first_prime()
    G = _group({"x": p * _unit(2, 0, 1)})
    V = dv.defining(G)
    certificate = dv.solve(V, V).certificate
    assert certificate.expected_dim == 2
    assert certificate.holds


@pytest.mark.parametrize("times", [1, 120])
def test_weights_that_vanish_modulo_a_prime(times: int) -> None:
    wanted = next(islice(residues(dv.defining(_group(SL2)).matrix("h").to_DM().domain, times), 0, None)).prime
    G = _group({"c": diag(1, wanted)})
    V = dv.defining(G)
    certificate = dv.solve(dv.trivial(G), V).certificate
    assert certificate.expected_dim == 0
    assert certificate.holds


def test_a_jordan_block_that_vanishes_modulo_a_prime() -> None:
    p = next(residues(dv.defining(_group(SL2)).matrix("h").to_DM().domain, 120)).prime
    G = _group({"c": eye(2) + p * _unit(2, 0, 1)})
    assert root_counter(G, [piece for _, piece in dv.defining(G).blocks]) is None


def test_a_basis_that_is_bad_modulo_a_prime() -> None:
    p = next(residues(dv.defining(_group(SL2)).matrix("h").to_DM().domain, 120)).prime
    algebra = {"h": diag(p, -p), "e": _unit(2, 0, 1) / Rational(p), "f": _unit(2, 1, 0) + p * _unit(2, 0, 1)}
    V = dv.defining(_group({"h": algebra["h"], "e": _unit(2, 0, 1) * p, "f": algebra["f"]}))
    count, method = hom_dimension(V**2, V**2)
    assert count == 2
    assert method.startswith("weights")


def test_the_nullity_agrees_with_the_weights() -> None:
    for _, G, _ in INVARIANTS[:6]:
        V = dv.defining(G)
        piece = (V**2).blocks[0][1]
        by_weights, by_nullity = root_counter(G, [piece]), modular_counter(G, [piece])
        assert by_weights is not None
        assert by_nullity is not None
        assert by_weights[0](piece, piece) == by_nullity[0](piece, piece)


def test_gaussian_numbers_modulo_a_prime() -> None:
    m = ImmutableMatrix([[1 + 2 * I, I / 3]])
    residue = next(residues(m.to_DM(extension=True).domain))
    a, b = residue.array(m.to_DM(extension=True).convert_to(m.to_DM(extension=True).domain))[0].tolist()
    i = residue.root
    assert i * i % residue.prime == residue.prime - 1
    assert a == (1 + 2 * i) % residue.prime
    assert 3 * b % residue.prime == i
