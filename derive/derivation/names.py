"""Generators that are called like something else in the equations are printed with another name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy

from derive.derivation.block import Block
from derive.lattice.problem import Problem, symbols_of
from derive.symmetry.field import Field
from derive.symmetry.group import Group
from derive.symmetry.names import TENSORS, fresh, is_index
from derive.symmetry.representation import from_blocks
from derive.symmetry.spacegroup import SpaceGroup

ONLY_WHERE_USED = frozenset(("i", "j", "c", "alpha", "beta", "b", "x", "y"))


def distinct(problem: Problem, blocks: Iterable[Block]) -> Problem:
    """The same problem with r_0 for a generator r, where r is a size, an index or a field as well."""
    point = problem.group.point
    taken = _printed(problem, blocks)
    clashes = [g for g in point.generators if g in taken or _is_letter(g)]
    if not clashes:
        return problem
    used = {*taken, *point.generators}
    names = {g: fresh(f"{g}_0", used) if g in clashes else g for g in point.generators}
    space = _renamed_space(problem.group, names)
    fields = [_renamed_field(field, space) for field in (problem.x, problem.y)]
    return replace(problem, x=fields[0], y=fields[1])


def _is_letter(generator: str) -> bool:
    return generator not in ONLY_WHERE_USED and (generator in TENSORS or is_index(generator))


def _printed(problem: Problem, blocks: Iterable[Block]) -> set[str]:
    """The names of the sizes, of the fields, of the bias and of every index."""
    found = {s.name for s in symbols_of(problem)} | ({"b"} if problem.bias else set())
    for block in blocks:
        found |= {block.x.label.name, block.y.label.name}
        for index, domain in block.domains:
            found |= {s.name for s in (index, *sympy.sympify(domain).free_symbols)}
    return found


def _renamed(group: Group, names: dict[str, str]) -> Group:
    return replace(
        group,
        generators=tuple(names[g] for g in group.generators),
        relations=tuple(tuple((names[g], power) for g, power in word) for word in group.relations),
        algebra=tuple(names[g] for g in group.algebra),
        factors=(),
    )


def _renamed_space(space: SpaceGroup, names: dict[str, str]) -> SpaceGroup:
    return replace(
        space,
        point=_renamed(space.point, names),
        glide=tuple(sorted((names[g], shift) for g, shift in space.glide)),
        action=tuple((names[g], matrix) for g, matrix in space.action),
    )


def _renamed_field(field: Field, space: SpaceGroup) -> Field:
    blocks = [(c, p.over(space.point, lambda atom: atom.images)) for c, p in field.fibre.blocks]
    return field.replace(group=space, fibre=from_blocks(space.point, blocks))
