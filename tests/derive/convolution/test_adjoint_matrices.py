"""The explicit matrices: by hand, against loops, and with symbols for sizes."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.convolution.matrices import block_matrix, conv_matrix, patch_matrix
from tests.derive.convolution.loops import Case

w1, w2, w3 = W = sp.symbols("w1:4")
x1, x2, x3, x4, x5 = X = sp.symbols("x1:6")


def test_row_20_by_hand() -> None:
    """Three taps, five sites, zero padding: the tables of the source, and the transposed matrix."""
    toeplitz = [
        [w2, w3, 0, 0, 0],
        [w1, w2, w3, 0, 0],
        [0, w1, w2, w3, 0],
        [0, 0, w1, w2, w3],
        [0, 0, 0, w1, w2],
    ]
    patches = [[0, x1, x2], [x1, x2, x3], [x2, x3, x4], [x3, x4, x5], [x4, x5, 0]]
    back = [[w2, w1, 0, 0, 0], [w3, w2, w1, 0, 0], [0, w3, w2, w1, 0], [0, 0, w3, w2, w1], [0, 0, 0, w3, w2]]
    operator, patch = conv_matrix(W, 5), patch_matrix(X, 3)
    assert isinstance(operator, sp.ImmutableMatrix)
    assert operator == sp.Matrix(toeplitz)
    assert patch == sp.Matrix(patches)
    assert operator.T == sp.Matrix(back) == conv_matrix(W[::-1], 5) == conv_matrix(W, 5, flip=True)
    assert sp.expand(operator * sp.Matrix(X)) == sp.expand(patch * sp.Matrix(W))


def test_row_20_valid() -> None:
    assert conv_matrix(W, 5, padding="VALID") == sp.Matrix(
        [[w1, w2, w3, 0, 0], [0, w1, w2, w3, 0], [0, 0, w1, w2, w3]]
    )
    assert patch_matrix(X, 3, padding="VALID") == sp.Matrix([[x1, x2, x3], [x2, x3, x4], [x3, x4, x5]])
    assert conv_matrix(W, 2, padding="VALID").shape == (0, 2)


CASES = [
    Case((5,), (3,), (1,), (1,), "SAME"),
    Case((6,), (3,), (2,), (2,), "SAME", groups=2),
    Case((6,), (2,), (2,), (1,), [(2, 1)], flip=True),
    Case((4,), (3,), (1,), (2,), "CIRCULAR"),
    Case((4,), (4,), (1,), (1,), "REFLECT"),
    Case((3, 4), (2, 3), (1, 2), (1, 1), "SAME", groups=2, channels=(2, 1)),
    Case((4, 4), (3, 2), (1, 1), (1, 2), "VALID", flip=True),
    Case((2, 3, 3), (2, 2, 3), (1, 1, 2), (1, 1, 1), "SAME", channels=(1, 2)),
]


def last(array: np.ndarray, dim: int) -> np.ndarray:
    """(G, C, sites...) as (sites..., G C)."""
    moved = np.moveaxis(array, (0, 1), (dim, dim + 1))
    return moved.reshape(*moved.shape[:dim], -1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_row_20_any_size_and_padding(case: Case) -> None:
    """W x = X k = the loops, for 1-D to 3-D with channels, sites outermost and channels innermost."""
    rng = np.random.default_rng(3)
    x, k = (rng.integers(-9, 10, s) for s in (case.fine_shape(), case.kernel_shape()))
    expected = last(case.conv(x, k), case.dim).reshape(-1)
    G, D, inputs = k.shape[:3]
    hwio = np.moveaxis(k, (0, 1, 2), (-2, -1, -3)).reshape(*case.kernel, inputs, G * D)
    image = last(x, case.dim)
    operator = conv_matrix(hwio, case.size, groups=case.groups, **case.options)
    patches = patch_matrix(image, case.kernel, out_channels=G * D, groups=case.groups, **case.options)
    np.testing.assert_array_equal(np.array(operator * sp.Matrix(image.reshape(-1))).ravel(), expected)
    np.testing.assert_array_equal(np.array(patches * sp.Matrix(hwio.reshape(-1))).ravel(), expected)


def test_row_12_per_tap_matrices() -> None:
    """z[u,v] = sum_{a,b} W[a,b]^T x[u+a,v+b], as blocks of the big matrix."""
    w = np.arange(1, 25).reshape(2, 2, 3, 2)
    blocks = np.array(conv_matrix(w, (4, 5), padding="VALID")).reshape(3, 4, 2, 4, 5, 3)
    for u, v, p, q in itertools.product(range(3), range(4), range(4), range(5)):
        a, b = p - u, q - v
        expected = w[a, b].T if 0 <= a < 2 and 0 <= b < 2 else np.zeros((2, 3), int)
        np.testing.assert_array_equal(blocks[u, v, :, p, q], expected)


def test_row_12_block_banded_matrix() -> None:
    taps = [sp.MatrixSymbol(name, 3, 2) for name in ("U", "V", "W")]
    U, V, W_ = (t.T for t in taps)
    O = sp.ZeroMatrix(2, 3)
    assert block_matrix(taps, 4).blocks == sp.ImmutableDenseMatrix(
        [[V, W_, O, O], [U, V, W_, O], [O, U, V, W_], [O, O, U, V]]
    )
    numbers = np.arange(1, 19).reshape(3, 3, 2)
    banded = block_matrix([sp.Matrix(t) for t in numbers], 4, strides=2)
    assert sp.Matrix(banded) == sp.Matrix(conv_matrix(numbers, 4, strides=2))
    wrapped = block_matrix([sp.Matrix(t) for t in numbers], 2, padding="CIRCULAR")
    assert sp.Matrix(wrapped) == sp.Matrix(conv_matrix(numbers, 2, padding="CIRCULAR"))


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CIRCULAR", "REFLECT", [(2, 0)]])
@pytest.mark.parametrize("stride", [1, 2])
def test_row_20_symbolic_size(padding, stride: int) -> None:
    """A formula for the entry (p, q), right at every n."""
    n = sp.Symbol("n", integer=True, positive=True)
    named = sp.IndexedBase("w", shape=(3,))
    for kernel in (W, named):
        formula = conv_matrix(kernel, n, padding=padding, strides=stride)
        assert isinstance(formula, sp.FunctionMatrix)
        for size in (3, 4, 7):
            explicit = conv_matrix(kernel, size, padding=padding, strides=stride)
            assert formula.subs(n, size).as_explicit() == explicit
    x = sp.IndexedBase("x", shape=(n,))
    formula = patch_matrix(x, 3, padding=padding, strides=stride)
    for size in (3, 4, 7):
        field = sp.IndexedBase("x", shape=(size,))
        explicit = patch_matrix(field, 3, padding=padding, strides=stride)
        assert formula.subs(n, size).as_explicit() == explicit


def test_row_20_the_entry_is_a_band() -> None:
    n = sp.Symbol("n", integer=True, positive=True)
    w = sp.IndexedBase("w", shape=(3,))
    formula = conv_matrix(w, n)
    p, q = formula.lamda.variables
    assert formula.shape == (n, n)
    value, condition = formula.lamda.expr.args[0]
    assert value == w[q - p + 1]
    inside = {d for d in range(-5, 6) if condition.subs({p: 5, q: 5 + d}) == sp.true}
    assert inside == {-1, 0, 1}


def test_symbolic_sizes_with_channels_in_two_dimensions() -> None:
    H, L = sp.symbols("H L", integer=True, positive=True)
    kernel = sp.IndexedBase("K", shape=(2, 2, 2, 3))
    formula = conv_matrix(kernel, (H, L))
    assert formula.subs({H: 2, L: 3}).as_explicit() == conv_matrix(kernel, (2, 3))


def test_symbols_called_p_and_q_are_kept_apart() -> None:
    p = sp.Symbol("p", integer=True, nonnegative=True)
    n = sp.Symbol("n", integer=True, positive=True)
    assert conv_matrix([p, 2 * p, 5], n).subs(n, 3).as_explicit() == conv_matrix([p, 2 * p, 5], 3)


@pytest.mark.parametrize(
    "kernel",
    [[2, 3, 7], (2, 3, 7), np.array([2, 3, 7]), sp.Array([2, 3, 7]), [sp.Integer(2), np.int32(3), 7]],
)
def test_what_people_give(kernel) -> None:
    assert conv_matrix(kernel, 4) == conv_matrix([2, 3, 7], np.int64(4)) == conv_matrix([2, 3, 7], (4,))
    assert conv_matrix([Fraction(1, 2), "a", sp.pi], 2) == sp.Matrix(
        [[sp.Symbol("a"), sp.pi], [sp.Rational(1, 2), sp.Symbol("a")]]
    )
    assert conv_matrix(sp.Matrix([[1, 2], [3, 4]]), (2, 2)) == conv_matrix([[1, 2], [3, 4]], (2, 2))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: conv_matrix([0.5, 1, 2], 5), dv.ExactnessError, "kernel must have exact entries, got 0.5"),
        (lambda: conv_matrix(np.ones(3), 5), dv.ExactnessError, "kernel must have exact entries, got 1.0"),
        (lambda: conv_matrix([[1, 2], [3]], (4, 4)), dv.SizeError, "kernel must have rows of one length"),
        (lambda: conv_matrix([object], 4), dv.SizeError, "kernel must have names or numbers as entries"),
        (lambda: conv_matrix([None], 4), dv.SizeError, "kernel must have names or numbers as entries"),
        (lambda: block_matrix([sp.eye(2)], (3, 3)), dv.SymbolicError, "size must be one number, got (3, 3)"),
        (lambda: conv_matrix([], 4), dv.SizeError, "kernel must hold at least one entry per axis"),
        (lambda: conv_matrix("w", 4), dv.SizeError, "kernel must be an array, got 'w'; give nested lists"),
        (lambda: conv_matrix(sp.IndexedBase("w"), 4), dv.SizeError, "kernel must have a shape, got w; write"),
        (lambda: conv_matrix([1, 2], (4, 4)), dv.SizeError, "kernel must have 2 axes, or 4 with channels"),
        (lambda: conv_matrix([1, 2], 0), dv.SizeError, "size must be a positive integer or a symbol, got 0"),
        (lambda: conv_matrix([1, 2], 4, padding="FULL"), dv.GridError, "padding must be a known name"),
        (lambda: conv_matrix([1, 2], 4, groups=2), dv.SizeError, "groups must be 1 where kernel has no"),
        (
            lambda: conv_matrix(np.ones((3, 1, 3), int), 4, groups=2),
            dv.SizeError,
            "groups must divide the 3 output channels, got 2; give a divisor",
        ),
        (lambda: patch_matrix([1, 2, 3], (2, 2)), dv.SizeError, "x must have 2 axes, or 3 with channels"),
        (
            lambda: patch_matrix([[1, 2, 3]], 2, groups=2),
            dv.SizeError,
            "groups must divide the 3 input channels, got 2; give a divisor",
        ),
        (lambda: patch_matrix([1, 2, 3], "k"), dv.SymbolicError, "kernel_size must be a number for an"),
        (lambda: block_matrix([1, 2], 3), dv.SizeError, "taps must be a list of matrices, one per tap"),
        (
            lambda: block_matrix([sp.eye(2), sp.eye(3)], 3),
            dv.SizeError,
            "taps must have one shape, inputs x outputs, got [(2, 2), (3, 3)]",
        ),
        (lambda: block_matrix([sp.eye(2)], "n"), dv.SymbolicError, "size must be one number, got n"),
    ],
)
def test_errors(call, kind, message: str) -> None:
    with pytest.raises(kind) as error:
        call()
    assert str(error.value).startswith(message)
