"""The matrices by which printed actions move components, and whether they satisfy the printed relations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy
from sympy import Eq, ImmutableMatrix, Indexed, MatrixBase, SparseMatrix, Symbol

from derive.checking.statement import Statement
from derive.checking.terms import false
from derive.notation import ComponentTable, Generator
from derive.symmetry.algebraic import short_number
from derive.symmetry.exact import over_common_field


def letters_of(statement: Statement) -> dict[str, Any]:
    """The point generators by the letters of words: L(X) is written X."""
    return {a.generator: a for a in statement.point}


def component_matrix(statement: Statement, action: Eq, dim: int) -> MatrixBase:
    """The matrix of a printed action on components."""
    tables = statement.tables
    known = [e for e in action.rhs.atoms(Indexed) if e.base.label in tables]
    if action.rhs.has(sympy.Sum):
        return SparseMatrix(tables[known[0].base.label])
    factor = sympy.Mul(*(part for part in sympy.Mul.make_args(action.rhs) if not isinstance(part, Indexed)))
    images = next((e for e in action.lhs.indices if isinstance(e, Indexed)), None)
    entries = {}
    for a in range(dim):
        goes = a if images is None else int(tables[images.base.label][a])
        entries[goes, a] = factor * sympy.Mul(*(_phase(tables, e, a) for e in known))
    return SparseMatrix(dim, dim, entries)


def _phase(tables: Mapping[ComponentTable, Any], entry: Indexed, component: int) -> sympy.Expr:
    table = tables[entry.base.label]
    return table[0, 0] if len(entry.indices) == 2 else table[component]


def check_relations(statement: Statement, dims: Mapping[str, int]) -> None:
    """Both actions must satisfy every printed relation, exactly, so that no entry of a table is idle.

    Components satisfy them as they are, sites up to translations.
    """
    acting = letters_of(statement)
    for side, sites in zip(("y", "x"), statement.sites, strict=True):
        equations = {g: a.x if side == "x" else a.y for g, a in acting.items()}
        on_components = {g: component_matrix(statement, eq, dims[side]) for g, eq in equations.items()}
        on_sites = {g: site_matrix(eq, sites) for g, eq in equations.items()}
        for images, dim in ((on_components, dims[side]), (on_sites, len(sites))):
            for relation in statement.relations if dim else ():
                left, right = (_evaluate(e, images, dim) for e in relation.args)
                if not vanishes(left - right):
                    raise false(f"must satisfy the relation on {side}", relation)


def site_matrix(action: Eq, sites: Sequence[Symbol]) -> MatrixBase:
    """The linear part of a printed action on sites."""
    moved = action.lhs.indices[len(action.lhs.indices) - len(sites) :]
    return SparseMatrix([[sympy.expand(e).coeff(s) for s in sites] for e in moved])


def _evaluate(expr: sympy.Expr, images: Mapping[str, MatrixBase], dim: int) -> MatrixBase:
    """A polynomial in letters, as a matrix."""
    one = SparseMatrix.eye(dim)
    if expr.is_commutative:
        return expr * one
    if isinstance(expr, Generator):
        if expr.name not in images:
            raise false("must use the generators it states", expr)
        return images[expr.name]
    parts: Callable[..., Any] = lambda: [_evaluate(arg, images, dim) for arg in expr.args]  # noqa: E731
    if isinstance(expr, sympy.Add):
        return sum(parts(), start=SparseMatrix.zeros(dim, dim))
    if isinstance(expr, sympy.Pow) and expr.exp.is_Integer and expr.exp > 0:
        factors = [_evaluate(expr.base, images, dim)] * int(expr.exp)
    elif isinstance(expr, sympy.Mul):
        factors = parts()
    else:
        raise false("must be a polynomial in the generators, with positive powers", expr)
    product = one
    for factor in factors:
        product = short(product * factor)
    return product


def short(matrix: MatrixBase) -> MatrixBase:
    """Every entry in lowest terms."""
    return matrix.applyfunc(short_number)


def vanishes(matrix: MatrixBase) -> bool:
    """Whether every entry is zero, exactly."""
    return all(is_zero(value) for value in matrix.todok().values())


def is_zero(value: sympy.Expr) -> bool:
    """Whether an exact number, or a sum of weights times numbers, is zero: decided in the number field."""
    value = sympy.expand(value)
    if value.is_Rational:
        return bool(value == 0)
    weights = sorted(value.atoms(Indexed), key=str)
    parts = [value.coeff(weight) for weight in weights]
    rest = sympy.expand(value - sum(p * w for p, w in zip(parts, weights, strict=True)))
    column = ImmutableMatrix([*parts, rest])
    return bool(over_common_field([column])[0].is_zero_matrix)
