"""The irreducible real representations of a group, each with the label that it is called by.

Symmetric groups by partitions, alternating groups by those they are parts of, cyclic and dihedral groups by
frequencies, SO(n) and O(n) by degrees, point groups in space by Mulliken's names, direct products by one
label for each factor; other finite groups by dimension and a letter, found in products of the matrices that
they were given by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, product
from math import prod
from string import ascii_lowercase
from typing import Any

from sympy import ImmutableMatrix, eye

from derive.errors import GroupError, InfiniteError, TooLargeError
from derive.pieces.homs import Irreducible
from derive.pieces.mulliken import is_point_group, mulliken
from derive.pieces.parts import parts_of
from derive.pieces.young import conjugate, images, partitions, tableaux_count
from derive.symmetry.group import Group
from derive.symmetry.irreps import irreps as by_frequency
from derive.symmetry.monomial import Monomial
from derive.symmetry.outer import inflate
from derive.symmetry.representation import Representation, from_images, trivial
from derive.symmetry.standard import defining, determinant, regular

LISTED = 2_000  # the largest group all of whose irreducible representations are looked for
LETTERS = [c for c in ascii_lowercase if c not in "eo"]  # those of 1e and 1o say parities


@dataclass(frozen=True)
class Entry:
    """An irreducible representation that is made when it is asked for."""

    label: Any
    name: str
    dim: int
    make: Callable[[], Representation]


def entries(group: Group, largest: int = LISTED) -> list[Entry]:
    """Those of a finite group, the smallest first.

    Args:
        largest: the order of the largest group of no known family for which they are looked for.

    Raises:
        InfiniteError: the group is infinite. TooLargeError: it is larger.
    """
    if group.factors:
        return _of_product(group, [entries(f, largest) for f in group.factors])
    if group.family is not None and group.family.type == "S":
        return sorted(_symmetric(group), key=lambda e: e.dim)
    if group.family is not None and group.family.type == "A":
        return sorted(_alternating(group), key=lambda e: e.dim)
    require_listed(group, largest)
    return [Entry(_label(W), W.name, int(W.dim), lambda W=W: W) for W in _found(group)]  # type: ignore[misc]


def _label(W: Representation) -> Any:
    """The frequency for f2, else the name."""
    return int(W.name[1:]) if W.name[0] == "f" and W.name[1:].isdigit() else W.name


# ---- permutations -----------------------------------------------------------------------------------------


def _symmetric(group: Group) -> Iterator[Entry]:
    for shape in partitions(_degree(group)):
        yield Entry(shape, _written(shape), tableaux_count(shape), lambda s=shape: _young(group, s))  # type: ignore[misc]


def _young(group: Group, shape: tuple[int, ...], name: str | None = None) -> Representation:
    moves = [image.image.tolist() for image in group.given or () if isinstance(image, Monomial)]
    return from_images(group, images(shape, moves), name or _written(shape))


def _written(shape: tuple[int, ...], sign: str = "") -> str:
    return f"({','.join(map(str, shape))}){sign}"


def _degree(group: Group) -> int:
    return group.degree or 1


def _alternating(group: Group) -> Iterator[Entry]:
    """Partitions and their conjugates agree; a partition that is its own conjugate may have two halves."""
    for shape in partitions(_degree(group)):
        turned = conjugate(shape)
        if shape == turned and _splits(shape) and group.order > 1:
            for k, sign in enumerate("+-"):
                half = tableaux_count(shape) // 2
                yield Entry(
                    (shape, sign),
                    _written(shape, sign),
                    half,
                    lambda s=shape, k=k: _half(group, s, k),  # type: ignore[misc]
                )
        elif shape >= turned:
            yield Entry(shape, _written(shape), tableaux_count(shape), lambda s=shape: _young(group, s))  # type: ignore[misc]


def _splits(shape: tuple[int, ...]) -> bool:
    """Whether the two halves are real: (n - r) / 2 even for r cells on the diagonal (Frobenius)."""
    diagonal = sum(row > i for i, row in enumerate(shape))
    return (sum(shape) - diagonal) // 2 % 2 == 0


def _half(group: Group, shape: tuple[int, ...], which: int) -> Representation:
    whole = _young(group, shape)
    found = parts_of(whole.blocks[0][1], ())[which].irrep.piece
    return from_images(group, found.images, _written(shape, "+-"[which]))


# ---- products ---------------------------------------------------------------------------------------------


def _of_product(group: Group, parts: Sequence[Sequence[Entry]]) -> list[Entry]:
    found: list[Entry] = []
    for chosen in product(*parts):
        found += _outer(group, chosen)
    return sorted(found, key=lambda e: e.dim)


def _outer(group: Group, chosen: Sequence[Entry]) -> Iterator[Entry]:
    """Outer products; over the reals those of two or more that are not of real type have parts."""
    label, name = tuple(e.label for e in chosen), f"({', '.join(e.name for e in chosen)})"
    factors = [e.make() for e in chosen]
    inflated = [inflate(W, group, range(k, k + 1)) for k, W in enumerate(factors)]
    whole = prod(inflated[1:], start=inflated[0])
    W = from_images(group, [whole.matrix(g) for g in group.generators], name)
    if sum(Irreducible(V).kind != "real" for V in factors) < 2:
        yield Entry(label, name, int(W.dim), lambda: W)
        return
    parts = parts_of(W.blocks[0][1], ())
    for letter, part in zip(LETTERS, parts, strict=False):
        made = from_images(group, part.irrep.piece.images, name + letter * (len(parts) > 1))
        own = (*label, letter) if len(parts) > 1 else label
        yield Entry(own, made.name, int(made.dim), lambda made=made: made)  # type: ignore[misc]


# ---- any finite group -------------------------------------------------------------------------------------


def _found(group: Group) -> list[Representation]:
    """By frequency for cyclic and dihedral groups, otherwise from products of representations."""
    found = _by_frequency(group)
    in_space = is_point_group(group) and is_real(defining(group))
    if found is None or in_space:
        found = [W.representation for W in closure(group)] if found is None else found
        names = mulliken(group, found) if in_space else by_dimension(found)
        pairs = zip(map(Irreducible, found), names, strict=True)
        found = [W.named(name).representation for W, name in pairs]
    return sorted(found, key=lambda W: int(W.dim))


def _by_frequency(group: Group) -> list[Representation] | None:
    try:
        return list(by_frequency(group))
    except GroupError:
        return None


def by_dimension(found: Sequence[Representation]) -> list[str]:
    """1a, 1b, 2a, ..."""
    letters: dict[int, Iterator[str]] = {}
    return [f"{W.dim}{next(letters.setdefault(W.dim, _letters()))}" for W in found]


def _letters() -> Iterator[str]:
    return ("".join(pair) for n in count(1) for pair in product(LETTERS, repeat=n))


def closure(group: Group) -> list[Irreducible]:
    """All, from products of those found; they are all where ``sum dim^2 / dim End`` is the order (Burnside).

    Every irreducible representation is in a power of a faithful one. An inversion, or another generator of
    order two that is the second factor of a direct product, is 1 or -1 on those of the first.
    """
    central = _central(group)
    if central is not None:
        z, rest = central
        return [_extended(group, z, sign, W) for W in closure(rest) for sign in (1, -1)]
    found = [Irreducible(trivial(group))]
    faithful = group.given is not None and group.faithful and is_real(defining(group))
    seeds = [determinant(group), defining(group)] if faithful else [regular(group)]
    queue = [block for V in seeds for _, block in V.blocks]
    while not complete(group, found):
        new = _new_in(queue.pop(0), found)
        found += new
        products = [V.representation * W.representation for V in new for W in found]
        queue += [block for V in products for _, block in V.blocks]
        queue.sort(key=lambda block: block.dim)
    return found


def _central(group: Group) -> tuple[str, Group] | None:
    """A generator of order two that commutes with all, and the group of the others, which lacks it."""
    elements, others = group.elements, list(group.generators)
    number = {g: int(elements.left[a, 0]) for a, g in enumerate(group.generators)}
    for z, e in number.items():
        alike = all(elements.table[e, k] == elements.table[k, e] for k in number.values())
        if elements.orders[e] == 2 and alike and len(others) > 1:
            rest = group.subgroup([g for g in others if g != z])
            if 2 * rest.order == group.order:
                return z, rest
    return None


def _extended(group: Group, z: str, sign: int, W: Irreducible) -> Irreducible:
    own = dict(zip(W.representation.group.generators, W.piece.images, strict=True))
    turn = ImmutableMatrix(sign * eye(W.dim))
    return Irreducible(from_images(group, [turn if g == z else own[g] for g in group.generators], ""))


def is_real(V: Representation) -> bool:
    """Whether every generator has a real matrix."""
    pairs = ((f, g) for _, piece in V.blocks for f in piece.factors for g in V.group.generators)
    images = {f.monomial(g) or f.matrix(g) for f, g in pairs}
    return all(
        i.order <= 2 if isinstance(i, Monomial) else all(e.is_real for e in i.todok().values())
        for i in images
    )


def _new_in(piece: Any, found: Sequence[Irreducible]) -> list[Irreducible]:
    parts = parts_of(piece, sorted(found, key=lambda W: W.dim))
    return [part.irrep for part in parts if part.irrep not in found]


def complete(group: Group, found: Sequence[Irreducible]) -> bool:
    """Whether the irreducible representations are all: their matrices fill the group algebra."""
    return sum(W.dim**2 // len(W.commutant) for W in found) == group.order


def require_listed(group: Group, largest: int = LISTED) -> None:
    """Refuse groups whose irreducible representations are not listed."""
    remedy = "use V.decompose(), which finds those in V"
    if group.algebra or not getattr(group.order, "is_finite", True):
        raise InfiniteError("irreps", "must be finitely many to be listed", group.name, remedy)
    if group.order > largest:
        rule = f"are listed for groups of up to {largest:,} elements and for S_n and A_n"
        raise TooLargeError("irreps", rule, f"{group.name} with {group.order:,}", remedy)
