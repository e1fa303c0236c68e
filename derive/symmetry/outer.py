"""Outer products: representations of direct products of groups."""

from __future__ import annotations

from typing import Any

from derive.symmetry.factors import Atom
from derive.symmetry.group import Group, direct_product, product_names
from derive.symmetry.images import Zero
from derive.symmetry.monomial import identity_map
from derive.symmetry.representation import Representation, from_blocks, read_representation


def outer(V: Representation, W: Representation) -> Representation:
    """The outer product, of the product of two groups: ``rho(g, h) = rho_V(g) (x) rho_W(h)``.

    >>> from derive.symmetry.representation import trivial
    >>> A = Group("A", generators=("a",), relations=("a^2",))
    >>> B = Group("B", generators=("b",), relations=("b^2",))
    >>> V = Representation(A, {"a": [[0, 1], [1, 0]]})
    >>> outer(V, trivial(B)).matrix("b")
    Matrix([
    [1, 0],
    [0, 1]])
    """
    V, W = read_representation(V, "V"), read_representation(W, "W")
    G = direct_product(V.group, W.group)
    split = len(V.group.factors or (V.group,))
    return inflate(V, G, range(split)) * inflate(W, G, range(split, len(G.factors)))


def inflate(V: Representation, product: Group, positions: range) -> Representation:
    """V as a representation of a product, of which only the factors at ``positions`` (V's own group) act."""
    names = product_names(product.factors)
    own = V.group.factors or (V.group,)
    inner = product_names(own) if V.group.factors else ({g: g for g in V.group.generators},)
    source = {names[positions[k]][g]: inner[k][g] for k, f in enumerate(own) for g in f.generators}

    def images(atom: Atom) -> tuple[Any, ...]:
        still = Zero(atom.dim), identity_map(atom.dim)
        return tuple(
            atom.image(source[g]) if g in source else still[g not in product.algebra]
            for g in product.generators
        )

    return from_blocks(product, [(c, p.over(product, images)) for c, p in V.blocks])
