"""Lie algebras: structure constants, and the action of the discrete generators on the algebra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import ImmutableMatrix

from derive.errors import GroupError
from derive.symmetry.exact import over_common_field
from derive.symmetry.group import Group, product_names
from derive.symmetry.images import as_matrix

Combination = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Structure:
    """``[X_i, X_j] = sum_k c_k X_k`` for each pair, ``D X_i D^-1 = sum_k c_k X_k`` for each discrete D."""

    brackets: tuple[tuple[str, str, Combination], ...]
    adjoint: tuple[tuple[str, str, Combination], ...]


def structure_of(group: Group) -> Structure:
    """The structure constants, from the matrices the group was given by or from those of its factors.

    Raises:
        GroupError: the algebra is not closed, or a discrete generator does not normalise it.
    """
    if group.given is None:
        return _of_factors(group)
    names = group.generators
    images = dict(zip(names, over_common_field(as_matrix(i) for i in group.given), strict=True))
    express = _coordinates(group, images)
    brackets = tuple(
        (a, b, express(images[a] * images[b] - images[b] * images[a], f"[{a}, {b}]"))
        for i, a in enumerate(group.algebra)
        for b in group.algebra[i + 1 :]
    )
    inverses = {d: images[d].inv() for d in group.discrete}
    adjoint = tuple(
        (d, a, express(images[d] * images[a] * inverses[d], f"{d} {a} {d}^-1"))
        for d in group.discrete
        for a in group.algebra
    )
    return Structure(brackets, adjoint)


def _coordinates(group: Group, images: Mapping[str, Any]) -> Callable[[Any, str], Combination]:
    """Writes a matrix in the basis of the algebra, exactly."""
    basis = _columns([images[a] for a in group.algebra])
    _, pivots = basis.transpose().rref()
    if len(pivots) < len(group.algebra):
        remedy = "leave out the dependent ones"
        raise GroupError("Lie algebra generators", "must be linearly independent", group.name, remedy)
    rows = basis.extract(list(pivots), list(range(len(group.algebra)))).inv()

    def express(m: Any, what: str) -> Combination:
        column = _columns([m])
        found = rows * column.extract(list(pivots), [0])
        if basis * found != column:
            rule = f"must span {what}, to be a Lie algebra normalised by the group"
            raise GroupError("Lie algebra generators", rule, group.name, "add the missing generator")
        values = [found.domain.to_sympy(x) for x in found.to_list_flat()]
        return tuple((a, x) for a, x in zip(group.algebra, values, strict=True) if x != 0)

    return express


def _columns(matrices: list[Any]) -> Any:
    from sympy.polys.matrices import DomainMatrix

    columns = [m.to_list_flat() for m in matrices]
    size = len(columns[0])
    entries = [[c[i] for c in columns] for i in range(size)]
    return DomainMatrix(entries, (size, len(columns)), matrices[0].domain)


def _of_factors(group: Group) -> Structure:
    if not group.factors:
        rule = "must be given by matrices, which fix its brackets"
        raise GroupError("Lie group", rule, group.name, "make it with matrix_group(..., algebra=...)")
    names = product_names(group.factors)
    parts = [_renamed(structure_of(f), names[k]) for k, f in enumerate(group.factors) if f.algebra]
    return Structure(
        tuple(b for p in parts for b in p.brackets) + _across(group, names, "algebra"),
        tuple(a for p in parts for a in p.adjoint) + _across(group, names, "discrete"),
    )


def _across(group: Group, names: Any, kind: str) -> tuple[tuple[str, str, Combination], ...]:
    """Different factors commute: brackets vanish and the adjoint action is trivial."""
    out = []
    for k, f in enumerate(group.factors):
        for m, g in enumerate(group.factors):
            if m == k or (kind == "algebra" and m < k):
                continue
            for a in f.algebra if kind == "algebra" else f.discrete:
                for x in g.algebra:
                    same: Combination = () if kind == "algebra" else ((names[m][x], 1),)
                    out.append((names[k][a], names[m][x], same))
    return tuple(out)


def _renamed(s: Structure, names: Mapping[str, str]) -> Structure:
    def rename(rows: Any) -> Any:
        return tuple((names[a], names[b], tuple((names[g], x) for g, x in c)) for a, b, c in rows)

    return Structure(rename(s.brackets), rename(s.adjoint))


def broken_structure(structure: Structure, matrices: Mapping[str, ImmutableMatrix]) -> str | None:
    """The first bracket or adjoint action that the matrices do not satisfy, written out, or None."""
    names = list(matrices)
    fields = dict(zip(names, over_common_field(matrices[g] for g in names), strict=True))
    for a, b, combination in structure.brackets:
        if not _equal(fields[a] * fields[b] - fields[b] * fields[a], combination, fields):
            return f"[{a}, {b}] = {_show(combination)}"
    for d, a, combination in structure.adjoint:
        if not _equal(fields[d] * fields[a] * fields[d].inv(), combination, fields):
            return f"{d} {a} {d}^-1 = {_show(combination)}"
    return None


def _equal(m: Any, combination: Combination, fields: Mapping[str, Any]) -> bool:
    value = ImmutableMatrix(m.to_Matrix())
    for g, x in combination:
        value -= x * ImmutableMatrix(fields[g].to_Matrix())
    return over_common_field([value])[0].is_zero_matrix


def _show(combination: Combination) -> str:
    return " + ".join(f"{x} {g}" for g, x in combination) or "0"
