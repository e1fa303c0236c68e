"""All translations of R^n together with a compact point group, as fields with sites everywhere have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import ImmutableMatrix, Matrix, Rational, eye, sqrt, zeros

from derive.errors import DeriveError, GroupError, brief
from derive.pickling import Fields
from derive.symmetry.arrays import over_elements
from derive.symmetry.exact import over_common_field, to_sympy
from derive.symmetry.factors import Piece
from derive.symmetry.group import Group, read_group
from derive.symmetry.images import as_matrix
from derive.symmetry.lie import as_orthogonal, orthogonal
from derive.symmetry.polynomials import Action
from derive.symmetry.representation import Representation, from_images
from derive.symmetry.sizes import whole

REMEDY = "use special_orthogonal(n), orthogonal(n), or a finite group such as point_group('C8', dim=2)"


@dataclass(frozen=True)
class Euclidean(Fields):
    """R^n, moved by every translation and about the origin by a compact point group: ``d -> M d``.

    ``M = frame * (the matrix that the generator was given by) * frame^-1`` is orthogonal; `frame` holds the
    axes of the group's own coordinates as columns, and is the identity where those are Cartesian already.
    """

    point: Group
    frame: ImmutableMatrix

    @property
    def dim(self) -> int:
        return int(self.frame.rows)

    @cached_property
    def action(self) -> dict[str, ImmutableMatrix]:
        """The orthogonal matrix by which each generator moves R^n; skew for one of a Lie algebra."""
        given = {g: as_matrix(self.point.image(g)) for g in self.point.generators}
        if self.frame.is_Identity:
            return given
        field, inverse, *matrices = over_common_field([self.frame, self.frame.inv(), *given.values()])
        moved = (to_sympy(field * m * inverse) for m in matrices)
        return dict(zip(given, moved, strict=True))

    @property
    def vectors(self) -> Representation:
        """Vectors in Cartesian components, moved as displacements are: ``rho(g) = M``."""
        return from_images(self.point, list(self.action.values()), "V")

    def actions(self, output: Piece, input: Piece) -> tuple[Action, ...]:
        """By generator: its matrices on displacements and on the two fibres of a kernel."""
        algebra = self.point.algebra
        return tuple(
            Action(g, move, input.matrix(g), output.matrix(g), g in algebra)
            for g, move in self.action.items()
        )

    @property
    def transitive(self) -> bool:
        """Whether the point group takes every direction to every other: SO(n) and O(n) from n = 2 on."""
        return self.dim > 1 and as_orthogonal(self.point) is not None

    def restrict(self, subgroup: Group) -> Euclidean:
        """All translations with a subgroup of the point group, such as `G.point.subgroup(["x01"])`."""
        subgroup = read_group(subgroup, "subgroup")
        if subgroup != self.point and (subgroup.embedding is None or subgroup.embedding[0] != self.point):
            rule = f"must be a subgroup of {self.point.name}"
            raise GroupError("subgroup", rule, subgroup.name, "use G.point.subgroup([...])")
        _require_compact(subgroup)
        return Euclidean(subgroup, self.frame)

    def __str__(self) -> str:
        return f"euclidean({self.dim}, {self.point})"

    def __repr__(self) -> str:
        return f"euclidean({self.dim}, {self.point!r})"


def euclidean(n: int, point: Group | None = None) -> Euclidean:
    """R^n with all its translations and a compact point group, O(n) unless given; fields live everywhere.

        (g x)(p) = rho(g) x(g^-1 p),    g: p -> M p + t

    Args:
        n: the dimension.
        point: special_orthogonal(n), orthogonal(n), or a finite group of n x n matrices, such as
            point_group("C8", dim=2). One whose matrices are not orthogonal, as those of hexagonal groups in
            axial coordinates, is converted exactly: its matrices act on the columns of `frame`.

    Raises:
        GroupError: the point group is not compact, or does not act on R^n.

    >>> from derive.symmetry.catalogue import point_group
    >>> print(euclidean(3))
    euclidean(3, O(3))
    >>> euclidean(2, point_group("C6", dim=2)).frame
    Matrix([
    [1,       1/2],
    [0, sqrt(3)/2]])

    Source: T. Cohen, M. Geiger, M. Weiler, "A general theory of equivariant CNNs on homogeneous spaces",
    2019, arXiv 1811.02017.
    """
    n = whole(n, "n")
    group = orthogonal(n) if point is None else read_group(point, "point")
    _require_dimension(group, n)
    if group.algebra:
        _require_compact(group)
        return Euclidean(group, ImmutableMatrix(eye(n)))
    try:
        return Euclidean(group, _frame(group, n))
    except DeriveError as error:
        raise _not_compact(group) from error


def _require_dimension(group: Group, n: int) -> None:
    size = group.dim or group.degree
    if group.given is None or not group.faithful:
        rule = f"must be given by {n} x {n} matrices to act on R^{n}"
        raise GroupError("point", rule, group.name, "use matrix_group or point_group")
    if group.generators and size != n:
        what = f"{group.name}, which acts on {size} dimensions"
        remedy = f"use euclidean({size}, ...), or a point group of {n} x {n} matrices"
        raise GroupError("point", f"must act on R^{n}", what, remedy)


def _require_compact(group: Group) -> None:
    """A Lie group must be SO(n), O(n), or generate a finite group by what is left of it."""
    if group.algebra and as_orthogonal(group) is None:
        raise _not_compact(group)


def _not_compact(group: Group) -> GroupError:
    rule = "must be compact: SO(n) or O(n) with the generators of this library, or a finite matrix group"
    return GroupError("point", rule, brief(group.name), REMEDY)


def _frame(group: Group, n: int) -> ImmutableMatrix:
    """The Cartesian frame in which a finite group is orthogonal; the identity where it is already."""
    given = [as_matrix(image) for image in group.given or ()]
    fields = over_common_field([eye(n), *given])
    if all(m * m.transpose() == fields[0] for m in fields[1:]):
        group.elements  # noqa: B018  refuses an infinite group
        return ImmutableMatrix(eye(n))
    named = dict(zip(group.generators, fields[1:], strict=True))
    elements = over_elements(group.elements, named, fields[0], lambda g, h: g * h)
    form = Matrix(to_sympy(sum((m.transpose() * m for m in elements[1:]), elements[0])))
    return ImmutableMatrix(_square_root(form / form[0, 0]))


def _square_root(form: Matrix) -> Matrix:
    """The upper triangular B with ``B^T B = form``, a positive definite rational form."""
    rest, rows = form.copy(), []
    for i in range(form.rows):
        pivot = rest[i, i]
        if not pivot.is_Rational:
            remedy = "give it by orthogonal matrices"
            raise GroupError("point", "must leave a rational quadratic form invariant", form.tolist(), remedy)
        row = rest[i, :] / pivot
        rows.append(row * sqrt(Rational(pivot)))
        rest = rest - pivot * row.T * row
    return Matrix.vstack(*rows) if rows else zeros(0)
