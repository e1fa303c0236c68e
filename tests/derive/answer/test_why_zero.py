"""Why nothing is equivariant: words that return an entry changed, checked by multiplying the matrices."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy

import derive as dv
from derive.symmetry.words import parse_word


def _turning() -> dv.Representation:
    return dv.Representation(dv.cyclic(4), {"r": [[sympy.I]]})


CASES = {
    "B_4 V^2 to V": lambda: (dv.defining(dv.hyperoctahedral(4)) ** 2, dv.defining(dv.hyperoctahedral(4))),
    "S_5 trivial to sign": lambda: (dv.trivial(dv.symmetric(5)), dv.sign(dv.symmetric(5))),
    "a character of Z_4": lambda: (dv.trivial(dv.cyclic(4)), _turning()),
}


def _image(V: dv.Representation, word: tuple[tuple[str, int], ...]) -> np.ndarray:
    total = np.eye(int(V.dim))
    for name, exponent in word:
        m = np.array(V.matrix(name).evalf(20).tolist(), dtype=complex)
        total = total @ np.linalg.matrix_power(m, exponent)
    return total


@pytest.mark.parametrize("name", CASES)
def test_every_word_returns_its_entry_changed(name: str) -> None:
    x, y = CASES[name]()
    said = dv.solve(x, y).why_zero()
    assert "no constituent in common" in said
    found = re.findall(r"A\[(\d+),(\d+)\] is carried by (\S+) to", said)
    assert found
    for row, column, text in found:
        word = parse_word(text, x.group.generators)
        unit = np.zeros((int(y.dim), int(x.dim)))
        unit[int(row), int(column)] = 1
        moved = _image(y, word) @ unit @ np.linalg.inv(_image(x, word))
        value = moved[int(row), int(column)]
        assert abs(abs(value) - 1) < 1e-12
        assert abs(value - 1) > 0.1
        np.testing.assert_allclose(moved, value * unit, atol=1e-12)


def test_further_orbits_are_counted() -> None:
    x, y = CASES["B_4 V^2 to V"]()
    assert "  and 2 further orbits of entries in the same way" in dv.solve(x, y).why_zero().splitlines()
    assert dv.solve(y, y).why_zero() == "the answer is not zero: 1 weights are free"


def test_matrices_have_the_count_only() -> None:
    V = dv.defining(dv.special_orthogonal(3))
    assert len(dv.solve(V, dv.trivial(V.group)).why_zero().splitlines()) == 1
