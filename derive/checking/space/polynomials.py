"""Polynomials on R^n as the checker of derivations reads them, and how many of them there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
from sympy import MatrixBase

from derive.checking.terms import false
from derive.symmetry.algebraic import common_domain
from derive.symmetry.polynomials import Action, defects, harmonic_degree, independent
from derive.symmetry.residues import inverse, residues

LARGEST = 4_000  # elements of a group that is counted
Elements = list[tuple[np.ndarray, ...]]


def displacement_letters(matrices: Sequence[MatrixBase], dim: int) -> list[sympy.Symbol]:
    """d_1, d_2, ...: the only letters that polynomials may have."""
    letters = [sympy.Symbol(f"d_{k + 1}", real=True) for k in range(dim)]
    for m in matrices:
        if not m.free_symbols <= set(letters):
            raise false(f"must be polynomials in d_1..d_{dim}", m)
    return letters


def require_equivariant(actions: Sequence[Action], matrices: Sequence[Any], letters: Sequence[Any]) -> None:
    """P(M d) into = out P(d) for every generator and every matrix, by substitution."""
    wrong = next(defects(actions, matrices, letters), None)
    if wrong is not None:
        raise false(f"must satisfy the constraint of {wrong[0]}", matrices[wrong[1]])


def degree_of(matrix: MatrixBase, letters: Sequence[sympy.Symbol], shown: Any) -> int:
    """The degree of a matrix of homogeneous harmonic polynomials."""
    degree = harmonic_degree(matrix, letters)
    if degree is None:
        raise false("must be homogeneous harmonic polynomials of one degree", shown)
    return degree


def require_independent(matrices: Sequence[MatrixBase], letters: Sequence[sympy.Symbol], shown: Any) -> None:
    """No combination of the matrices vanishes."""
    if not independent(matrices, letters):
        raise false("must be independent", shown)


def harmonic_counts(actions: Sequence[Action], top: int) -> list[int]:
    """How many equivariant matrices of harmonic polynomials there are of degree 0..top, for a finite group.

    The average over the group that the printed matrices generate of ``chi_l chi_in(g^-1) chi_out``, modulo a
    prime; chi_l is the trace on polynomials of degree l less that on those of degree l - 2.
    """
    elements, prime = _generated(actions)
    scale, totals = pow(len(elements), -1, prime), [0] * (top + 1)
    for move, out, into in elements:
        both = int(out.trace()) * int(inverse(into, prime).trace())
        symmetric = _symmetric_traces(inverse(move, prime), top, prime)
        for degree in range(top + 1):
            lower = symmetric[degree - 2] if degree > 1 else 0
            totals[degree] += both * (symmetric[degree] - lower)
    return [total * scale % prime for total in totals]


def _generated(actions: Sequence[Action]) -> tuple[Elements, int]:
    """All elements as matrices modulo a prime, on displacements, output and input."""
    tables = [(sympy.Matrix(a.move), sympy.Matrix(a.out), sympy.Matrix(a.into)) for a in actions]
    flat = [x for table in tables for m in table for x in m]
    domain, values = common_domain(flat)
    residue, read = next(residues(domain)), iter(values)
    generators = [
        tuple(
            np.array([residue.of(next(read), domain) for _ in m], dtype=np.int64).reshape(m.shape)
            for m in table
        )
        for table in tables
    ]
    found: Elements = [tuple(np.eye(len(m), dtype=np.int64) for m in generators[0])]
    seen = {_key(found[0])}
    for element in found:
        for g in generators:
            product = tuple(a @ c % residue.prime for a, c in zip(g, element, strict=True))
            if _key(product) not in seen:
                seen.add(_key(product))
                found.append(product)
        if len(found) > LARGEST:
            raise false("must have matrices that generate a finite group", f"more than {LARGEST} elements")
    return found, residue.prime


def _key(element: tuple[np.ndarray, ...]) -> bytes:
    return b"".join(m.tobytes() for m in element)


def _symmetric_traces(m: np.ndarray, top: int, prime: int) -> list[int]:
    """The traces on polynomials of degree 0..top, by Newton's identities."""
    powers, power = [0], np.eye(len(m), dtype=np.int64)
    for _ in range(top):
        power = power @ m % prime
        powers.append(int(power.trace()) % prime)
    found = [1]
    for degree in range(1, top + 1):
        total = sum(powers[k] * found[degree - k] for k in range(1, degree + 1))
        found.append(total * pow(degree, -1, prime) % prime)
    return found
