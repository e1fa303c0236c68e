"""A table of matrices: the general one that a stabiliser fixes, carried along the orbit by words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Indexed, MatrixBase, SparseMatrix, Symbol

from derive.checking.actions import component_matrix, letters_of, short, vanishes
from derive.checking.classes import Class
from derive.checking.context import Chapter, Rule, Target
from derive.checking.entries import letters
from derive.checking.statement import LEADING, Acting
from derive.checking.terms import false
from derive.steps import Step


@dataclass(frozen=True)
class MatrixTable:
    """The classes of one tensor with a matrix each, and the matrices by which generators act."""

    chapter: Chapter
    target: Target
    classes: list[Class]

    @cached_property
    def shape(self) -> tuple[int, int]:
        dims = self.chapter.scene.components
        return dims["y"], 1 if self.target.bias else dims["x"]

    # ---- the action -------------------------------------------------------------------------------------

    @cached_property
    def acting(self) -> dict[str, Acting]:
        """Generators by the letters of words."""
        return letters_of(self.chapter.s)

    @cached_property
    def left(self) -> dict[str, MatrixBase]:
        """rho_y of every generator."""
        s = self.chapter.s
        return {g: component_matrix(s, a.y, self.shape[0]) for g, a in self.acting.items()}

    @cached_property
    def right(self) -> dict[str, MatrixBase]:
        """rho_x of every generator; the bias comes from what does not move."""
        s = self.chapter.s
        if self.target.bias:
            return {g: SparseMatrix([[0 if a.infinitesimal else 1]]) for g, a in self.acting.items()}
        return {g: component_matrix(s, a.x, self.shape[1]) for g, a in self.acting.items()}

    def product(self, word: Sequence[str]) -> tuple[MatrixBase, MatrixBase]:
        """rho_y and rho_x of a word."""
        out, into = SparseMatrix.eye(self.shape[0]), SparseMatrix.eye(self.shape[1])
        for g in word:
            out, into = short(out * self.left[g]), short(into * self.right[g])
        return out, into

    @cached_property
    def moves(self) -> dict[str, dict[Class, Class]]:
        """By generator: where it takes every class."""
        names = {a.name: g for g, a in self.acting.items()}
        return {names[g]: self._moves(eq) for g, eq in self.target.constraints.items()}

    def _moves(self, constraint: Any) -> dict[Class, Class]:
        images = {e for e in constraint.lhs.atoms(Indexed) if str(e.base.label) == self.target.label}
        heres = {e for e in constraint.rhs.atoms(Indexed) if str(e.base.label) == self.target.label}
        if not images:
            return {at: at for at in self.classes}
        (image,), (here,) = images, heres
        keep = [k for k, index in enumerate(here.indices) if index.name.rstrip("'") not in LEADING]
        found = {}
        for at in self.classes:
            put = dict(zip((here.indices[k] for k in keep), at, strict=True))
            moved = self.chapter.scene.place(_without_components(image, here, keep), put)
            found[at] = tuple(moved[k] for k in keep)
        return found

    # ---- the steps --------------------------------------------------------------------------------------

    def rules(self) -> Iterator[Rule]:
        label = self.target.label
        yield f"solve at the representatives of {label}", self._solved
        if len(self.matrices) < len(self.classes):
            yield f"carry along the orbits of {label}", self._carried
        self._require_invariant()

    @cached_property
    def matrices(self) -> dict[Class, MatrixBase]:
        """Filled by the tables that were printed."""
        return {}

    def _slot(self, expr: Any) -> Class:
        """The class of a matrix, printed without components."""
        if isinstance(expr, Symbol) and expr.name == self.target.label:
            return ()
        if not isinstance(expr, Indexed) or str(expr.base.label) != self.target.label:
            raise false("must be a matrix of the tensor", expr)
        s = self.chapter.s
        copies = [i for i in (*s.out, *(() if self.target.bias else s.into)) if i.name in ("i", "c")]
        if list(expr.indices[: len(copies)]) != copies:
            raise false("must keep copies first", expr)
        return tuple(expr.indices[len(copies) :])

    def _new(self, step: Step) -> Sequence[Any]:
        if step.after[: len(self.chapter.found.state)] != self.chapter.found.state:
            raise false("must keep what was found", step.after)
        return step.after[len(self.chapter.found.state) :]

    def _solved(self, step: Step) -> None:
        for *words, equation in self._new(step):
            at, matrix = self._slot(equation.lhs), SparseMatrix(equation.rhs)
            if at not in self.classes or at in self.matrices or matrix.shape != self.shape:
                raise false("must solve at classes, once each", equation.lhs)
            fixing = [letters(word) for word in words]
            for word in fixing:
                out, into = self.product(word)
                if self._goes(at, word) != at or not vanishes(out * matrix - matrix * into):
                    raise false("must commute with what fixes it", equation)
            self._require_general(matrix, fixing, equation)
            self.matrices[at] = matrix

    def _goes(self, at: Class, word: Sequence[str]) -> Class:
        for g in reversed(word):
            at = self.moves[g][at]
        return at

    def _require_general(self, matrix: MatrixBase, fixing: Sequence[Sequence[str]], shown: Any) -> None:
        """As many independent free weights as the conditions leave."""
        weights = sorted(matrix.atoms(Indexed), key=str)
        used = {e for m in self.matrices.values() for e in m.atoms(Indexed)}
        rows, columns = self.shape
        parts = [SparseMatrix(rows * columns, 1, _coefficients(matrix, w)) for w in weights]
        if used & set(weights) or (parts and rank(SparseMatrix.hstack(*parts)) < len(parts)):
            raise false("must have independent weights of its own", shown)
        if rows * columns - rank(self._conditions(fixing)) != len(weights):
            raise false("must be the general matrix that is fixed", shown)

    def _conditions(self, fixing: Sequence[Sequence[str]]) -> MatrixBase:
        """out X - X into = 0 for every word, as one matrix on the entries of X in rows."""
        rows, columns = self.shape
        entries: dict[tuple[int, int], Any] = {}
        for k, word in enumerate(fixing):
            out, into = (m.todok() for m in self.product(word))
            start = k * rows * columns
            for (i, j), value in out.items():
                for c in range(columns):
                    _add(entries, (start + i * columns + c, j * columns + c), value)
            for (i, j), value in into.items():
                for r in range(rows):
                    _add(entries, (start + r * columns + j, r * columns + i), -value)
        return SparseMatrix(max(len(fixing), 1) * rows * columns, rows * columns, entries)

    def _carried(self, step: Step) -> None:
        representatives = dict(self.matrices)
        for word, equation in self._new(step):
            at, matrix, path = self._slot(equation.lhs), SparseMatrix(equation.rhs), letters(word)
            starts = [start for start in representatives if self._goes(start, path) == at]
            if at in self.matrices or len(starts) != 1 or matrix.shape != self.shape:
                raise false("must reach every other class once, from a representative", equation.lhs)
            out, into = self.product(path)
            if not vanishes(out * representatives[starts[0]] - matrix * into):
                raise false("must be carried by its word", equation)
            self.matrices[at] = matrix
        if len(self.matrices) != len(self.classes):
            raise false("must reach every class", f"{len(self.matrices)} of {len(self.classes)}")

    def _require_invariant(self) -> None:
        """The table satisfies the constraint of every generator at every class."""
        for g, moved in self.moves.items():
            for at, image in moved.items():
                if image not in self.matrices:
                    raise false("must carry the support to itself", image)
                gap = self.matrices[image] * self.right[g] - self.left[g] * self.matrices[at]
                if not vanishes(gap):
                    raise false(f"must satisfy the constraint of {g}", at)

    def free(self) -> sympy.Expr:
        """How many weights are free, without a table: the entries at all classes less what is tied."""
        (rows, columns), where = self.shape, {at: k for k, at in enumerate(self.classes)}
        size = rows * columns
        entries: dict[tuple[int, int], Any] = {}
        equations = 0
        for g, moved in self.moves.items():
            for at, image in moved.items():
                here, there = where[at] * size, where[image] * size
                for (i, j), value in self.right[g].todok().items():
                    for r in range(rows):
                        _add(entries, (equations + r * columns + j, there + r * columns + i), value)
                for (i, j), value in self.left[g].todok().items():
                    for c in range(columns):
                        _add(entries, (equations + i * columns + c, here + j * columns + c), -value)
                equations += size
        unknowns = size * len(self.classes)
        tied = rank(SparseMatrix(equations, unknowns, entries)) if equations and unknowns else 0
        return sympy.Integer(unknowns - tied)

    def count(self) -> sympy.Expr:
        """The free weights in the table."""
        return sympy.Integer(len({e for m in self.matrices.values() for e in m.atoms(Indexed)}))


def _without_components(image: Indexed, here: Indexed, keep: Sequence[int]) -> Indexed:
    return image.base[tuple(index if k in keep else sympy.S.Zero for k, index in enumerate(image.indices))]


def _add(entries: dict[tuple[int, int], Any], at: tuple[int, int], value: Any) -> None:
    entries[at] = entries.get(at, 0) + value


def _coefficients(matrix: MatrixBase, weight: Indexed) -> dict[tuple[int, int], Any]:
    columns = matrix.cols
    found = {}
    for (i, j), value in matrix.todok().items():
        part = sympy.expand(value).coeff(weight)
        if part != 0:
            found[i * columns + j, 0] = part
    return found


def rank(matrix: MatrixBase) -> int:
    """The exact rank over the field of the entries."""
    from sympy.polys.matrices import DomainMatrix

    return int(DomainMatrix.from_Matrix(matrix, extension=True).to_field().rank())
