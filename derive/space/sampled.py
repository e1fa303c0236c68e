"""Fields on R^n read off on a grid: what of their point group maps the grid to itself still acts, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import sympy
from sympy import ImmutableMatrix, Matrix, eye, zeros

from derive.errors import ExactnessError
from derive.symmetry.elements import Elements
from derive.symmetry.euclidean import Euclidean
from derive.symmetry.factors import Atom, Piece
from derive.symmetry.field import Field
from derive.symmetry.given import matrix_group
from derive.symmetry.group import Group
from derive.symmetry.images import as_matrix, image_of_word
from derive.symmetry.lattice import make_lattice
from derive.symmetry.motion import Integers
from derive.symmetry.representation import Representation, from_blocks
from derive.symmetry.spacegroup import SpaceGroup

NEAR = 1e-9


def sampled_fields(
    x: Field, y: Field, alike: Sequence[Any], strides: Sequence[int], offset: Sequence[Fraction]
) -> tuple[Field, Field]:
    """x on Z^n and y on every stride-th site moved by `offset`, under what maps both to themselves.

    Args:
        x, y: fields on one R^n.
        alike: a mark per axis; axes may be exchanged where their marks are equal.
        strides, offset: of the sites of y, in sites of x.

    >>> from derive import euclidean, special_orthogonal, irrep
    >>> G = special_orthogonal(2)
    >>> x = Field(euclidean(2, G), fibre=irrep(G, 3))
    >>> sampled_fields(x, x, "aa", (1, 1), (Fraction(0), Fraction(0)))[0].fibre.matrix("q01")
    Matrix([
    [ 0, 1],
    [-1, 0]])
    """
    space = x.group
    made = _of_lie(space, alike) if space.point.algebra else _of_finite(space, alike)
    period = tuple(Fraction(s) for s in strides)
    group = SpaceGroup(
        made.group, period, tuple(offset), (), made.action, f"{made.group.name} on Z^{space.dim}"
    )
    both = []
    for field, steps, at in ((x, 1, 0), (y, tuple(strides), tuple(offset))):
        lattice = make_lattice(group, None, None, steps, at)
        fibre = made.restricted(field.fibre)
        both.append(field.replace(group=group, fibre=fibre, lattice=lattice))
    return both[0], both[1]


class _Made:
    """A finite group of signed permutations, how it moves sites, and representations restricted to it."""

    def __init__(self, group: Group, action: tuple[tuple[str, Integers], ...], images: Any) -> None:
        self.group, self.action, self._images = group, action, images

    def restricted(self, V: Representation) -> Representation:
        return from_blocks(self.group, [(c, self._over(p)) for c, p in V.blocks])

    def _over(self, piece: Piece) -> Piece:
        return piece.over(self.group, self._images)


def _of_lie(space: Euclidean, alike: Sequence[Any]) -> _Made:
    """Quarter turns in planes of two axes that are alike, half turns in others, and the mirrors."""
    turns: dict[str, tuple[str, int]] = {}
    for g in space.point.algebra:
        i, j = sorted(int(k) for k in np.argwhere(np.array(space.action[g].tolist(), dtype=int))[0])
        quarter = alike[i] == alike[j]
        turns[f"{'q' if quarter else 'h'}{i}{j}"] = g, 1 if quarter else 2
    matrices = {name: _turn(space.action[g], n) for name, (g, n) in turns.items()}
    mirrors = [g for g in space.point.generators if g not in space.point.algebra]
    mirrors = [g for g in mirrors if not space.action[g].is_Identity]
    matrices |= {g: space.action[g] for g in mirrors}
    group = matrix_group(matrices, name=f"{space.point.name} on the grid")

    def images(atom: Atom) -> tuple[Any, ...]:
        own = dict(zip(atom.group.generators, atom.images, strict=True))
        whole = [_turn(_rows(own[g], atom.dim), n) for g, n in turns.values()]
        return (*whole, *(own[g] for g in mirrors))

    return _Made(group, tuple((g, _integers(m)) for g, m in matrices.items()), images)


def _rows(image: Any, dim: int) -> ImmutableMatrix:
    found = as_matrix(image)
    return ImmutableMatrix(found) if found.rows == dim else ImmutableMatrix(zeros(dim))


def _turn(x: ImmutableMatrix, quarters: int) -> ImmutableMatrix:
    """exp(quarters pi/2 X), exactly: X has eigenvalues i k, and is interpolated at them.

    cos and sin(t)/t are polynomials in X^2 there, with cos(k pi/2), sin(k pi/2)/k at X^2 = -k^2.
    """
    if x.is_zero_matrix:
        return ImmutableMatrix(eye(x.rows))
    weights = sorted({round(abs(v.imag)) for v in np.linalg.eigvals(np.array(x.tolist(), dtype=float))})
    y, one = Matrix(x * x), eye(x.rows)
    total, whole = zeros(x.rows), one
    for k in weights:
        part = one
        for j in weights:
            if j != k:
                part = part * (y + j * j * one) / (j * j - k * k)
        angle = sympy.pi * k * quarters / 2
        odd = sympy.sin(angle) / k if k else sympy.Integer(0)  # X times it vanishes at k = 0
        total += part * (sympy.cos(angle) * one + odd * x)
        whole = whole * (y + k * k * one)
    if not whole.is_zero_matrix:
        rule = "must turn by whole multiples of the angle to be sampled"
        raise ExactnessError("fibre", rule, x.tolist(), "use a representation of the rotation group")
    return ImmutableMatrix(total)


def _of_finite(space: Euclidean, alike: Sequence[Any]) -> _Made:
    """The elements that permute the axes with signs: found in floating point, then confirmed exactly."""
    given = {g: np.array(m.evalf(20).tolist(), dtype=float) for g, m in space.action.items()}
    elements = space.point.elements
    moves = _products(elements, given, space.dim)
    kept = [k for k, m in enumerate(moves) if _fits(m, alike)]
    chosen = _generating(elements, kept)
    words = {k: elements.word(k) for k in chosen}
    subgroup = space.point.subgroup([_text(w) for w in words.values()])
    action = tuple(
        (g, _integers(sympy.simplify(as_matrix(image_of_word(w, dict(space.action), space.dim)))))
        for g, w in zip(subgroup.generators, words.values(), strict=True)
    )

    def images(atom: Atom) -> tuple[Any, ...]:
        own = dict(zip(atom.group.generators, atom.images, strict=True))
        return tuple(image_of_word(w, own, atom.dim) for w in words.values())

    return _Made(subgroup, action, images)


def _products(elements: Elements, given: dict[str, np.ndarray], dim: int) -> list[np.ndarray]:
    found = [np.eye(dim)]
    for k in range(1, elements.order):
        found.append(given[elements.generators[elements.by[k]]] @ found[elements.parent[k]])
    return found


def _fits(move: np.ndarray, alike: Sequence[Any]) -> bool:
    """Whether a matrix is a signed permutation that exchanges axes with equal marks only."""
    whole = np.round(move)
    if abs(whole - move).max(initial=0) > NEAR:
        return False
    return all(
        alike[i] == alike[j] for i, j in combinations(range(len(move)), 2) if whole[i, j] or whole[j, i]
    )


def _generating(elements: Elements, kept: Sequence[int]) -> list[int]:
    """Elements that generate all of those kept: in order, each that the ones before do not make."""
    made, chosen = {0}, []
    order = sorted(kept, key=lambda k: -_order(elements, k))
    for k in order:
        if k in made:
            continue
        chosen.append(k)
        frontier = list(made)
        while frontier:
            frontier = list({int(elements.table[c, f]) for c in chosen for f in frontier} - made)
            made |= set(frontier)
    return chosen


def _order(elements: Elements, k: int) -> int:
    n, at = 1, k
    while at:
        n, at = n + 1, int(elements.table[k, at])
    return n


def _text(word: Any) -> str:
    return "*".join(f"{g}^{e}" for g, e in word)


def _integers(matrix: Any) -> Integers:
    """An exact matrix of whole numbers."""
    return tuple(tuple(int(v) for v in row) for row in matrix.tolist())
