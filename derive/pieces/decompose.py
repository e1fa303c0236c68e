"""Any real representation of a finite or compact group into its irreducible pieces."""

from __future__ import annotations

from collections.abc import Iterator

from derive.errors import DeriveError, GroupError, InfiniteError, RepresentationError, TooLargeError
from derive.pieces.decomposition import Decomposition, assembled
from derive.pieces.homs import Irreducible
from derive.pieces.known import by_dimension, entries, is_real
from derive.pieces.parts import Part, parts_of
from derive.symmetry.exact import over_common_field
from derive.symmetry.factors import Piece
from derive.symmetry.group import Group
from derive.symmetry.images import as_matrix
from derive.symmetry.irreps import irreps
from derive.symmetry.lie import as_orthogonal
from derive.symmetry.representation import Representation, integer_blocks, read_representation
from derive.symmetry.spherical import irrep
from derive.symmetry.weights import highest_weight

SMALL = 120  # the order of the largest group of no known family whose pieces are all found first


def decompose(V: Representation) -> Decomposition:
    """The irreducible pieces of V over the real numbers, with multiplicities, types and the change of basis.

        B^-1 rho(g) B = diag(W_1(g), ..., W_1(g), W_2(g), ...)

    All is exact: numbers are rational where that is enough, else in the real number field `.field`. The
    pieces are the representations `irreps(G)` and `irrep(G, label)` where those are known, and are found in V
    otherwise.

    Raises:
        GroupError: the group is not compact. RepresentationError: the matrices are not real.
        InfiniteError: the group is infinite, and not known to be compact.

    >>> from derive.symmetry.catalogue import symmetric
    >>> from derive.symmetry.standard import permutation
    >>> V = permutation(symmetric(4))
    >>> decompose(V**2)
    Decomposition(P*P = 2 (4) + (2,2) + 3 (3,1) + (2,1,1), dim=16, group=S_4)
    >>> decompose(V).basis
    Matrix([
    [1,  6,  3,  2],
    [1, -6,  3,  2],
    [1,  0, -6,  2],
    [1,  0,  0, -6]])

    Source: J.-P. Serre, "Linear representations of finite groups", 1977, chapters 2 and 13.
    """
    V = read_representation(V, "V")
    blocks = integer_blocks(V, "decompose")
    require_compact(V.group)
    _require_real(V)
    known: list[Irreducible] = []
    by_block: list[dict[Irreducible, Part]] = []
    for piece in dict.fromkeys(p for _, p in blocks):
        parts = parts_of(piece, _candidates(piece, known))
        known += [part.irrep for part in parts if part.irrep not in known]
        by_block.append({part.irrep: part for part in parts})
    own = dict(zip(dict.fromkeys(p for _, p in blocks), by_block, strict=True))
    named = zip(known, _named(known), strict=True)
    found = [(name, [own[p][W].maps if W in own[p] else () for _, p in blocks]) for W, name in named]
    return assembled(V, sorted(found, key=lambda pair: pair[0].dim))


def _candidates(piece: Piece, known: list[Irreducible]) -> Iterator[Irreducible]:
    """Irreducible representations that the piece may hold, the smallest first."""
    listed = _listed(piece)
    made = {W.representation: W for W in known}
    for W in listed:
        yield made.pop(W) if W in made else Irreducible(W)
    yield from made.values()


def _listed(piece: Piece) -> Iterator[Representation]:
    group = piece.group
    family = as_orthogonal(group)
    if family is not None:
        yield from _harmonic(group, family.n, highest_weight(piece))
    elif not group.algebra:
        try:
            found = entries(group, SMALL)
        except TooLargeError:
            return
        for entry in found:
            if entry.dim <= piece.dim:
                yield entry.make()


def _harmonic(group: Group, n: int, top: int) -> Iterator[Representation]:
    if n <= 3:
        yield from irreps(group, top)
        return
    for degree in range(top + 1):
        for parity in (1, -1) if group.discrete else (None,):
            yield irrep(group, degree, parity)


def _named(found: list[Irreducible]) -> list[Irreducible]:
    """Those that were found in V itself are named by dimension."""
    fresh = [W for W in found if not W.piece.name]
    names = dict(zip(fresh, by_dimension([W.representation for W in fresh]), strict=True))
    return [W.named(names[W]) if W in names else W for W in found]


# ---- what can be decomposed -------------------------------------------------------------------------------


def require_compact(group: Group) -> None:
    """A finite group, or one whose algebra is given by skew matrices and the rest by orthogonal ones."""
    if not group.algebra:
        _require_finite(group)
        return
    matrices = over_common_field([as_matrix(image) for image in group.given or ()])
    one = matrices[0].eye(matrices[0].shape[0], matrices[0].domain).to_dense()
    for name, m in zip(group.generators, matrices, strict=True):
        fits = m.transpose() == -m if name in group.algebra else m * m.transpose() == one
        if not fits:
            rule = "must be compact: representations of others are not always sums of irreducible ones"
            kind = "skew" if name in group.algebra else "orthogonal"
            what = f"{group.name}, whose generator {name} is not {kind}"
            raise GroupError("group", rule, what, "restrict to a compact subgroup with V.restrict(H)")


def _require_finite(group: Group) -> None:
    try:
        infinite = not getattr(group.order, "is_finite", True)
    except DeriveError as error:
        raise InfiniteError("group", "must be finite or compact", group.name, error.remedy) from error
    if infinite:
        remedy = "add relations, or give it by matrices"
        raise InfiniteError("group", "must be finite or compact", group.name, remedy)


def _require_real(V: Representation) -> None:
    if not is_real(V):
        rule = "must have real matrices, as it is decomposed over the real numbers"
        raise RepresentationError("V", rule, V, "use the real irreducible representations, irreps(G)")
