"""Derivations of random matrices: each checks, and counts what a null space in floating point has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import derive as dv
from tests.derive.brute_force import equations, nullity
from tests.derive.hom.test_intertwiners import pairs, signed_matrices, unimodular_matrices

NORMAL = settings(max_examples=25, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=500, suppress_health_check=list(HealthCheck))


def compare(drawn: Any) -> None:
    """Any matrices represent a free group."""
    V, W = drawn
    derivation = dv.solve(V, W).derivation
    derivation.check()
    dim, bias_dim = (eq.rhs.doit() for eq in derivation[-1].after)
    assert (dim, bias_dim) == (nullity(equations(V, W)), nullity(equations(dv.trivial(V.group), W)))


@NORMAL
@given(pairs(unimodular_matrices, most=3))
def test_matrices(drawn: Any) -> None:
    compare(drawn)


@NORMAL
@given(pairs(signed_matrices))
def test_signed_permutations(drawn: Any) -> None:
    compare(drawn)


@pytest.mark.slow
@LONG
@given(pairs(unimodular_matrices, most=3))
def test_many_matrices(drawn: Any) -> None:
    compare(drawn)


@pytest.mark.slow
@LONG
@given(pairs(signed_matrices))
def test_many_signed_permutations(drawn: Any) -> None:
    compare(drawn)
