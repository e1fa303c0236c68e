"""How many equivariant maps there are, by formulas that solve nothing: the count of a certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

from derive.counting.characters import IMAGE_LIMIT, image_counter
from derive.counting.components import component_counter, cyclic_counter
from derive.counting.cycle_types import cycle_counter
from derive.counting.modular import UNKNOWN_LIMIT, modular_counter
from derive.counting.ring import atoms_of
from derive.counting.roots import COMPONENTS, root_counter
from derive.counting.weyl import weyl_counter
from derive.symmetry.factors import Atom, Piece, Power, tensor, trivial_atom
from derive.symmetry.group import Group, product_names
from derive.symmetry.monomial import Monomial
from derive.symmetry.representation import Representation, same_group

Count = tuple[Any, str]
COMPLEX = "; not all matrices are real, so maps are complex-linear and counted over C"
Counter = tuple[Callable[[Piece, Piece], int], str]


def hom_dimension(V: Representation, W: Representation) -> Count:
    """The dimension of ``Hom_G(V, W)`` and the name of the method, or None and why no method applies.

    ``dim Hom(V, W) = average over g of chi_V(g^-1) chi_W(g)``, in the first of these forms that applies: over
    the cycle types of a symmetric, alternating or hyperoctahedral group; from the eigenvalues of a single
    generator; as the Weyl constant term of a classical Lie group; factor by factor of a direct product; from
    the weights of a Cartan subalgebra; over the image of V + W when it is small; for permutations with phases
    by orbits of stabilisers. Otherwise the nullity of the equations modulo a prime, which bounds the
    dimension from above, and whose name says so.

    Where matrices are not real the maps are complex-linear and the dimension is that over the complex
    numbers; the name says so too.

    >>> from derive.symmetry.catalogue import symmetric
    >>> from derive.symmetry.standard import permutation
    >>> V = permutation(symmetric(20000))
    >>> hom_dimension(V**2, V**2)
    (15, 'character average over cycle types')
    """
    same_group(V, W)
    unknowns = _largest(V) * _largest(W)
    counter = _counter(V.group, [p for _, p in (*V.blocks, *W.blocks)], unknowns)
    if counter is None:
        return None, _why_none(V.group, unknowns)
    count, method = counter
    known: dict[tuple[Piece, Piece], int] = {}
    total: Any = 0
    for m, p in V.blocks:
        for n, q in W.blocks:
            if (p, q) not in known:
                known[p, q] = count(p, q)
            total = total + m * n * known[p, q]
    return total, method + (COMPLEX if _is_complex(V) or _is_complex(W) else "")


def _why_none(group: Group, unknowns: int) -> str:
    if group.algebra:
        what = (
            "the Lie algebra is not seen to be reductive with a centre that acts diagonally, or its discrete "
            f"generators generate more than {COMPONENTS:,} elements"
        )
    else:
        what = f"the image has more than {IMAGE_LIMIT:,} elements, or no small orbit that shows how many"
    return (
        f"no independent count: {what}; and the nullity modulo a prime is taken for pieces of up to "
        f"{UNKNOWN_LIMIT:,} unknowns, here {unknowns:,}"
    )


def _is_complex(V: Representation) -> bool:
    """Whether a matrix entry or a phase is not real."""
    images = {i for _, p in V.blocks for a in atoms_of(p) for i in a.images}
    return any(i.order > 2 if isinstance(i, Monomial) else not _is_real(i) for i in images)


def _is_real(image: Any) -> bool:
    return (
        all(e.is_real is not False for e in set(image.todok().values())) if hasattr(image, "todok") else True
    )


def _largest(V: Representation) -> int:
    return max((p.dim for _, p in V.blocks), default=0)


def _counter(group: Group, pieces: Iterable[Piece], unknowns: int) -> Counter | None:
    pieces = list(dict.fromkeys(pieces))
    closed = (cycle_counter, cyclic_counter, weyl_counter, _factor_counter)
    for make in (*closed, root_counter, image_counter, component_counter, modular_counter):
        counter = make(group, pieces, unknowns)
        if counter is not None:
            return counter
    return None


def _factor_counter(group: Group, pieces: list[Piece], unknowns: int) -> Counter | None:
    """For a direct product whose factors act on different atoms: the product of the counts of the factors."""
    if not group.factors:
        return None
    split = {p: _split(p, group) for p in pieces}
    counters = []
    for k, factor in enumerate(group.factors):
        parts = [s[k] for s in split.values() if s is not None]
        counter = _counter(factor, parts, unknowns) if len(parts) == len(pieces) else None
        if counter is None:
            return None
        counters.append(counter)

    def count(p: Piece, q: Piece) -> int:
        left, right = split[p] or (), split[q] or ()
        return prod(c(a, b) for (c, _), a, b in zip(counters, left, right, strict=True))

    methods = dict.fromkeys(method for _, method in counters)
    return count, "product over the factors of: " + "; ".join(methods)


def _split(piece: Piece, group: Group) -> tuple[Piece, ...] | None:
    """The piece as an outer product of one piece per factor, or None."""
    parts: list[list[Any]] = [[] for _ in group.factors]
    for f in piece.factors:
        owner = _owner(f, group)
        if owner is None:
            return None
        parts[owner].append(_on_factor(f, group, owner))
    return tuple(
        tensor(factor, own) if own else trivial_atom(factor)
        for factor, own in zip(group.factors, parts, strict=True)
    )


def _owner(piece: Atom | Power, group: Group) -> int | None:
    """The only factor whose generators move the piece."""
    names = product_names(group.factors)
    movers = {k for a in atoms_of(piece) for k, n in enumerate(names) for g in n.values() if a.moves(g)}
    return None if len(movers) > 1 else (movers.pop() if movers else 0)


def _on_factor(piece: Atom | Power, group: Group, k: int) -> Piece:
    factor, names = group.factors[k], product_names(group.factors)[k]
    return piece.over(factor, lambda atom: tuple(atom.image(names[g]) for g in factor.generators))
