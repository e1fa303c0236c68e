"""The two matrices of a convolution, exactly: it is linear in the input, and linear in the kernel.

    conv(x, k).reshape(-1) == conv_matrix(k, ...) x.reshape(-1) == patch_matrix(x, ...) k.reshape(-1)

Sites are outermost and channels innermost on every side, as in an array whose channels come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import sympy
from sympy import And, Dummy, Eq, Expr, ImmutableMatrix, Lambda, Mod, Piecewise, Symbol, floor
from sympy.matrices.expressions import BlockMatrix, FunctionMatrix, MatrixExpr, ZeroMatrix

from derive.convolution.arrays import Table, table
from derive.convolution.window import Window, require_divides, sites, windows
from derive.errors import SizeError, SymbolicError
from derive.symmetry.names import require_one_symbol_each
from derive.symmetry.sizes import size as read_size


def conv_matrix(
    kernel: Any,
    size: Any,
    *,
    strides: Any = 1,
    padding: Any = "SAME",
    dilation: Any = 1,
    groups: int = 1,
    flip: bool = False,
) -> Any:
    """The matrix of x -> conv(x, kernel): a Toeplitz matrix, block by block in more dimensions.

        M[(p,i), (q,c)] = sum of kernel[d,c,i] over the taps d with q = strides p + dilation d - low

    `kernel`: the taps, or (spatial..., C_in / groups, C_out), as nested lists of symbols, expressions or
    integers, an integer array, a SymPy array, or IndexedBase("w", shape=(3,)); `size`: the sites of x, one
    entry per axis, integers or names; the rest as in a convolution layer ("SAME", "VALID", "CIRCULAR",
    "REFLECT", a width or (low, high) pairs; `flip` is the convolution of mathematics). A size that is a name
    gives a FunctionMatrix, whose entry is a formula.

    Raises SizeError, GridError, ExactnessError, SymbolicError.

    >>> conv_matrix(["w1", "w2", "w3"], 5)
    Matrix([
    [w2, w3,  0,  0,  0],
    [w1, w2, w3,  0,  0],
    [ 0, w1, w2, w3,  0],
    [ 0,  0, w1, w2, w3],
    [ 0,  0,  0, w1, w2]])
    >>> n = sympy.Symbol("n")
    >>> conv_matrix(["w1", "w2", "w3"], n).subs(n, 3).as_explicit()
    Matrix([
    [w2, w3,  0],
    [w1, w2, w3],
    [ 0, w1, w2]])

    Source: R. Gray, "Toeplitz and circulant matrices: a review", 2006.
    """
    spatial = sites(size, "size")
    taps = table(kernel, "kernel")
    axes = windows(spatial, _taps_of(taps, len(spatial)), strides, padding, dilation, flip)
    inputs, outputs = _channels(taps, len(spatial), read_size(groups, "groups"))
    row_shape, column_shape = [w.outputs for w in axes], [w.n for w in axes]
    if outputs:
        row_shape, column_shape = [*row_shape, outputs[0]], [*column_shape, inputs[0] * groups]

    def weight(d: Sequence[Any], c: Sequence[Any], i: Sequence[Any]) -> Expr:
        if not outputs:
            return taps[d]
        own = i[0] // (outputs[0] // groups) == c[0] // inputs[0]
        return taps[(*d, c[0] % inputs[0], i[0])] if own else sympy.S.Zero

    if all(w.numeric for w in axes):
        return _explicit_conv(axes, row_shape, column_shape, weight)
    if groups != 1:
        raise SymbolicError("size", "must be a number where groups are used", size, "give integers")
    return _formula(row_shape, column_shape, lambda row, col: _conv_entry(axes, taps, row, col))


def patch_matrix(
    x: Any,
    kernel_size: Any,
    *,
    out_channels: int | None = None,
    strides: Any = 1,
    padding: Any = "SAME",
    dilation: Any = 1,
    groups: int = 1,
    flip: bool = False,
) -> Any:
    """The matrix X of kernel -> conv(x, kernel): row p holds the sites that output p reads.

        X[(p,i), (d,c,i')] = x[strides p + dilation d - low, c] if i == i' else 0

    `x`: the sites, or (spatial..., C_in), given as a kernel is in `conv_matrix`; `kernel_size`: the taps, one
    entry per axis; `out_channels`: C_out, one per group unless given (no channels: none). The rest as there.

    Raises SizeError, GridError, ExactnessError, SymbolicError.

    >>> patch_matrix(["x1", "x2", "x3", "x4", "x5"], 3)
    Matrix([
    [ 0, x1, x2],
    [x1, x2, x3],
    [x2, x3, x4],
    [x3, x4, x5],
    [x4, x5,  0]])

    Source: K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks for document
    processing", 2006 (unrolled convolution).
    """
    taps, field = sites(kernel_size, "kernel_size"), table(x, "x")
    dim, count = len(taps), read_size(groups, "groups")
    if len(field.shape) not in (dim, dim + 1):
        raise SizeError(
            "x", f"must have {dim} axes, or {dim + 1} with channels", field.shape, "match kernel_size"
        )
    axes = windows(field.shape[:dim], taps, strides, padding, dilation, flip)
    if len(field.shape) == dim:
        _require_one(count, "x")
        return _patches(axes, field, taps, (), (), count)
    outputs = count if out_channels is None else read_size(out_channels, "out_channels")
    require_divides(outputs, count, "output channels")
    inputs = require_divides(field.shape[dim], count, "input channels")
    return _patches(axes, field, taps, (inputs,), (outputs,), count)


def _patches(
    axes: Sequence[Window],
    field: Table,
    taps: Sequence[Expr],
    inputs: tuple[Expr, ...],
    outputs: tuple[Expr, ...],
    groups: Expr,
) -> Any:
    dim = len(axes)
    row_shape = [*(w.outputs for w in axes), *outputs]
    column_shape = [*taps, *inputs, *outputs]

    def entry(row: Sequence[Any], column: Sequence[Any]) -> Expr:
        if not outputs:
            return _value(axes, field, row, column, ())
        (i,), (c, i2) = row[dim:], column[dim:]
        same = Eq(sympy.sympify(i), sympy.sympify(i2))
        if same == sympy.false:
            return sympy.S.Zero
        group = floor(i * groups / outputs[0]) if groups != 1 else 0
        value = _value(axes, field, row[:dim], column[:dim], (group * inputs[0] + c,))
        return value if same == sympy.true else Piecewise((value, same), (0, True))

    if all(n.is_Integer for n in (*row_shape, *column_shape)) and all(w.numeric for w in axes):
        rows, columns = (_all_indices(shape) for shape in (row_shape, column_shape))
        entries = [entry(row, column) for row in rows for column in columns]
        return ImmutableMatrix(len(rows), len(columns), entries)
    if field.base is None:
        raise SymbolicError("kernel_size", "must be a number for an explicit x", tuple(taps), "give integers")
    return _formula(row_shape, column_shape, entry)


def block_matrix(
    taps: Any, size: int, *, strides: int = 1, padding: Any = "SAME", dilation: int = 1
) -> BlockMatrix:
    """The block-banded matrix of one axis: every tap is a matrix that mixes channels.

        z[p] = sum_d taps[d]^T x[strides p + dilation d - low]

    `taps`: C x D SymPy matrices or MatrixSymbols, one per tap; `size`: the sites of x.

    >>> V, W = sympy.MatrixSymbol("V", 3, 2), sympy.MatrixSymbol("W", 3, 2)
    >>> block_matrix([V, W], 3, padding="VALID")
    Matrix([
    [V.T, W.T,   0],
    [  0, V.T, W.T]])

    Source: as for `conv_matrix`.
    """
    blocks = tuple(taps) if isinstance(taps, list | tuple) else ()
    if not blocks or not all(isinstance(b, MatrixExpr | sympy.MatrixBase) for b in blocks):
        raise SizeError(
            "taps", "must be a list of matrices, one per tap", taps, "give MatrixSymbol('W', C, D)"
        )
    if len({b.shape for b in blocks}) != 1:
        raise SizeError(
            "taps", "must have one shape, inputs x outputs", [b.shape for b in blocks], "give C x D matrices"
        )
    line = sites(size, "size")
    if len(line) != 1 or not line[0].is_Integer:
        raise SymbolicError("size", "must be one number", size, "give an integer")
    (axis,) = windows(line, (sympy.Integer(len(blocks)),), strides, padding, dilation)
    if not axis.numeric:
        raise SymbolicError("strides, padding, dilation", "must be numbers here", axis, "give integers")
    zero = ZeroMatrix(blocks[0].shape[1], blocks[0].shape[0])
    rows = [[zero] * int(axis.n) for _ in range(int(axis.outputs))]
    for p, d in product(range(len(rows)), range(len(blocks))):
        q = axis.read(sympy.Integer(p), sympy.Integer(d))
        if axis.inside(q) == sympy.true:
            found = rows[p][int(q)]
            rows[p][int(q)] = blocks[d].T if found == zero else found + blocks[d].T
    return BlockMatrix(rows)


def _taps_of(taps: Table, dim: int) -> tuple[Expr, ...]:
    if len(taps.shape) not in (dim, dim + 2):
        raise SizeError(
            "kernel",
            f"must have {dim} axes, or {dim + 2} with channels (C_in / groups, C_out) last",
            taps.shape,
            "give one size per axis",
        )
    return taps.shape[:dim]


def _channels(taps: Table, dim: int, groups: Expr) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """(C_in / groups,) and (C_out,), or nothing where the kernel has no channel axes."""
    if len(taps.shape) == dim:
        _require_one(groups, "kernel")
        return (), ()
    require_divides(taps.shape[-1], groups, "output channels")
    return (taps.shape[-2],), (taps.shape[-1],)


def _require_one(groups: Expr, argument: str) -> None:
    if groups != 1:
        raise SizeError("groups", f"must be 1 where {argument} has no channels", groups, "add channel axes")


def _explicit_conv(
    axes: Sequence[Window], row_shape: Sequence[Expr], column_shape: Sequence[Expr], weight: Any
) -> ImmutableMatrix:
    dim = len(axes)
    rows, columns = _all_indices(row_shape), _all_indices(column_shape)
    place = {q: k for k, q in enumerate(columns)}
    channels = _all_indices(column_shape[dim:])
    taps = _all_indices([w.taps for w in axes])
    entries = [[sympy.S.Zero] * len(columns) for _ in rows]
    for line, row in zip(entries, rows, strict=True):
        for d in taps:
            q = tuple(w.read(p, j) for w, p, j in zip(axes, row, d, strict=False))
            for c in channels if (*q, *channels[0]) in place else ():
                line[place[(*q, *c)]] += weight(d, c, row[dim:])
    return ImmutableMatrix(len(rows), len(columns), [e for line in entries for e in line])


def _all_indices(shape: Sequence[Expr]) -> list[tuple[sympy.Integer, ...]]:
    return list(product(*([sympy.Integer(k) for k in range(int(n))] for n in shape)))


def _formula(rows: Sequence[Expr], columns: Sequence[Expr], entry: Any) -> FunctionMatrix:
    p, q = (Dummy(name, integer=True, nonnegative=True) for name in "pq")
    formula = entry(_unravel(p, rows), _unravel(q, columns))
    taken = {s.name for s in formula.free_symbols - {p, q}}
    sizes = sympy.Tuple(*rows, *columns)
    require_one_symbol_each(sympy.Tuple(formula, sizes).atoms(Symbol) - {p, q}, "names")
    named = {s: Symbol(_fresh(s.name, taken), integer=True, nonnegative=True) for s in (p, q)}
    rule = Lambda((named[p], named[q]), formula.xreplace(named))
    return FunctionMatrix(sympy.Mul(*rows), sympy.Mul(*columns), rule)


def _fresh(name: str, taken: set[str]) -> str:
    return name if name not in taken else _fresh(name + "_", taken)


def _unravel(flat: Expr, shape: Sequence[Expr]) -> tuple[Expr, ...]:
    """The index of a flat position, the last axis running fastest."""
    index: list[Expr] = []
    for axis in reversed(range(len(shape))):
        outer = sympy.Mul(*shape[:axis])
        index.append(flat if outer == 1 else Mod(flat, shape[axis]))
        flat = sympy.S.Zero if outer == 1 else floor(flat / shape[axis])
    return tuple(reversed(index))


def _conv_entry(axes: Sequence[Window], taps: Table, row: Sequence[Expr], column: Sequence[Expr]) -> Expr:
    dim = len(axes)
    channels = (*column[dim:], *row[dim:])
    zero = all(w.border == "zero" for w in axes)
    if zero and taps.base is not None:
        found = [w.tap(p, q) for w, p, q in zip(axes, row, column, strict=False)]
        condition = And(*(c for _, c in found))
        return Piecewise((taps[(*(d for d, _ in found), *channels)], condition), (0, True), evaluate=False)
    if not taps.numeric:
        raise SymbolicError(
            "kernel", "must have a number of taps here", taps.shape, "give its shape in numbers"
        )
    cases = []
    for index in taps.indices(len(taps.shape)):
        d, own = index[:dim], index[dim:]
        meets = [Eq(w.read(p, j), q) for w, p, j, q in zip(axes, row, d, column, strict=False)]
        meets += [Eq(c, k) for c, k in zip(channels, own, strict=True)]
        cases.append((taps[index], And(*meets)))
    if zero:
        return Piecewise(*cases, (0, True))
    return sympy.Add(*(Piecewise(case, (0, True)) for case in cases))


def _value(axes: Sequence[Window], field: Table, p: Sequence[Expr], d: Sequence[Expr], c: tuple) -> Expr:
    q = [w.read(a, b) for w, a, b in zip(axes, p, d, strict=True)]
    inside = And(*(w.inside(a) for w, a in zip(axes, q, strict=True)))
    if inside == sympy.false:
        return sympy.S.Zero
    value = field[(*q, *c)]
    return value if inside == sympy.true else Piecewise((value, inside), (0, True), evaluate=False)
