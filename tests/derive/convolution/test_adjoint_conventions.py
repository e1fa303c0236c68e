"""What docs/conventions.md says is so."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import derive as dv
import kernels as kn
from derive.convolution.adjoint import adjoints
from derive.convolution.matrices import conv_matrix, patch_matrix
from tests.derive.convolution.loops import table

PAGE = Path(__file__).parents[3] / "docs" / "conventions.md"


def test_the_examples_of_the_page_run() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert found.attempted > 0
    assert found.failed == 0


def test_flattening_puts_channels_last() -> None:
    """Row (p, i), column (q, c): j = (u W + v) C + c."""
    kernel = np.arange(1, 7).reshape(1, 1, 2, 3)
    matrix = np.array(conv_matrix(kernel, (2, 4)))
    for u, v, c, i in np.ndindex(2, 4, 2, 3):
        site = u * 4 + v
        assert matrix[site * 3 + i, site * 2 + c] == kernel[0, 0, c, i]
    assert np.count_nonzero(matrix) == 2 * 4 * 6


def test_the_order_of_the_basis() -> None:
    """Class of site pairs, then copies in, then copies out."""
    G = dv.translations(1)
    basis = dv.solve(dv.Field(G, channels=2), dv.Field(G, channels=3), support=dv.box(1)).basis
    for n in range(len(basis)):
        rest, i = divmod(n, 3)
        k, c = divmod(rest, 2)
        dense = basis[n].dense()
        assert dense[i, c, k] == 1
        assert dense.sum() == 1


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CIRCULAR", "REFLECT", [(2, 1), (0, 3)]])
@pytest.mark.parametrize("flip", [False, True])
def test_one_meaning_in_both_packages(padding, flip: bool) -> None:
    """The exact matrices and the arrays' are the same numbers, borders and channel orders included."""
    rng = np.random.default_rng(11)
    kernel, x = rng.integers(-9, 10, (3, 2, 1, 4)), rng.integers(-9, 10, (5, 4, 2))
    options = {"strides": (2, 1), "padding": padding, "dilation": (1, 2), "groups": 2, "flip": flip}
    exact = conv_matrix(kernel, (5, 4), **options)
    array = kn.conv_matrix(kernel.astype(np.float32), (5, 4), **options)
    np.testing.assert_array_equal(np.array(exact).astype(int), np.asarray(array).astype(int))
    exact = patch_matrix(x, (3, 2), out_channels=4, **options)
    array = kn.patch_matrix(x.astype(np.float32), (3, 2), out_channels=4, **options)
    np.testing.assert_array_equal(np.array(exact).astype(int), np.asarray(array).astype(int))


def test_kernels_run_the_derived_adjoints() -> None:
    """The printed xbar and Kbar, with OIHW kernels, are the arrays' adjoints with HWIO kernels."""
    rng = np.random.default_rng(12)
    x, ybar, k = (rng.integers(-9, 10, s) for s in ((2, 6, 5), (3, 3, 5), (3, 2, 3, 2)))
    a = adjoints(2, kernel_size=(3, 2), strides=(2, 1), size=(6, 5))
    names = {"C": 2, "D": 3, "H": 6, "W": 5, "H_out": 3}
    known = {"x": x, "ybar": ybar, "K": k}
    xbar = table(a.input_adjoint, x.shape, names, known)
    kbar = table(a.kernel_adjoint, k.shape, names, known)
    xs, ybars = (np.moveaxis(v, 0, -1).astype(np.float32) for v in (x, ybar))
    hwio = np.asarray(kn.convert_layout(k.astype(np.float32), "OIHW", "HWIO"))
    found = kn.input_adjoint(ybars, hwio, input_shape=xs.shape, strides=(2, 1))
    np.testing.assert_array_equal(np.moveaxis(np.asarray(found), -1, 0), xbar.astype(float))
    found = kn.kernel_adjoint(xs, ybars, kernel_shape=hwio.shape, strides=(2, 1))
    found = kn.convert_layout(found, "HWIO", "OIHW")
    np.testing.assert_array_equal(np.asarray(found), kbar.astype(float))


def test_the_flip_of_the_page() -> None:
    """A flipped kernel reads s p - e d + e (k - 1) - low."""
    u, du = sp.symbols("u du", integer=True)
    a = adjoints(1, kernel_size=5, strides=3, dilation=2, padding=[(4, 1)], flip=True, channels=None)
    read = next(e for e in a.layer.rhs.function.atoms(sp.Indexed) if str(e.base) == "x")
    assert sp.expand(read.indices[0] - (3 * u - 2 * du + 2 * 4 - 4)) == 0
