"""Irreducible representations of SO(n) and O(n) on harmonic polynomials, and sums of them."""

from __future__ import annotations

from typing import Any

from sympy import ImmutableMatrix

from derive.errors import GroupError, brief
from derive.symmetry.group import Family, Group, read_group
from derive.symmetry.harmonics import harmonic_images
from derive.symmetry.images import as_matrix
from derive.symmetry.lie import as_orthogonal
from derive.symmetry.representation import Representation, from_blocks, from_images
from derive.symmetry.sizes import whole

PARITIES = {1: 1, -1: -1, "e": 1, "o": -1}


def irrep(group: Group, l: int, parity: Any = None) -> Representation:
    """The irreducible representation of SO(n) or O(n) on the harmonic polynomials of degree l.

        Y(g d) = rho(g) Y(d)

    Y is an orthogonal basis with integer coefficients: the coordinates for l = 1, the real and the imaginary
    part of ``(d_1 + i d_2)^l`` in the plane. In three dimensions these are all irreducible representations.

    Args:
        group: SO(n) or O(n), n >= 2.
        l: the degree, or frequency in the plane.
        parity: for O(n): 'e' or 'o', also 1 or -1. That of polynomials is (-1)^l, as that of vectors, 1o;
            the other one, as that of pseudovectors, 1e, is multiplied by the determinant. None: (-1)^l.

    Raises:
        GroupError: another group, or a parity where there are no reflections.

    >>> from derive.symmetry.lie import orthogonal
    >>> O3 = orthogonal(3)
    >>> irrep(O3, 1), irrep(O3, 2).matrix("x01")[:2, :2]
    (Representation(1o, dim=3, group=O(3)), Matrix([
    [0, -2],
    [2,  0]]))
    """
    group = read_group(group)
    family = require_orthogonal(group, "irrep")
    degree = whole(l, "l", least=0)
    natural = (-1) ** degree
    read = _parity(parity, family, natural)
    algebra = [g in group.algebra for g in group.generators]
    given = [as_matrix(image) for image in group.given or ()]
    images: list[Any] = list(harmonic_images(given, algebra, degree))
    if read != natural:
        twist = [1 if a else m.det() for a, m in zip(algebra, given, strict=True)]
        images = [ImmutableMatrix(m * t) for m, t in zip(images, twist, strict=True)]
    return from_images(group, images, irrep_name(family, degree, read))


def irrep_name(family: Family, degree: int, parity: int) -> str:
    """2e for O(n); l2 for SO(n), and f2 in the plane."""
    if family.type == "O":
        return f"{degree}{'e' if parity == 1 else 'o'}"
    return f"f{degree}" if family.n == 2 else f"l{degree}"


def require_orthogonal(group: Group, argument: str) -> Family:
    """SO(n) or O(n), or an error."""
    family = as_orthogonal(group)
    if family is None:
        remedy = "irreps(G) lists those of a cyclic or dihedral group, V.decompose() finds those in V"
        raise GroupError(argument, "needs SO(n) or O(n), n >= 2", group.name, remedy)
    return family


def _parity(parity: Any, family: Family, natural: int) -> int:
    if parity is None:
        return natural
    known = PARITIES.get(parity) if isinstance(parity, int | str) else None
    if known is None:
        raise GroupError("parity", "must be 'e' or 'o', or 1 or -1", brief(parity), "leave it out for (-1)^l")
    if family.type == "SO":
        what = f"{brief(parity)} for SO({family.n})"
        raise GroupError(
            "parity", "must be left out where there are no reflections", what, "use orthogonal(n)"
        )
    return known


def all_irreps(group: Group, family: Family, highest: int) -> tuple[Representation, ...]:
    """Those of SO(3) or O(3) up to a degree; for O(3) of both parities, that of polynomials first."""
    if family.n != 3:
        rule = "knows all of SO(2), O(2), SO(3) and O(3) only"
        remedy = "use irrep(G, l) for those on harmonic polynomials"
        raise GroupError("irreps", rule, group.name, remedy)
    if family.type == "SO":
        return tuple(irrep(group, degree) for degree in range(highest + 1))
    signs = ((-1) ** degree * s for degree in range(highest + 1) for s in (1, -1))
    return tuple(irrep(group, k // 2, sign) for k, sign in enumerate(signs))


def read_irreps(group: Group, text: str) -> Representation:
    """The sum that a text such as '8x0e + 4x1o' writes."""
    family = require_orthogonal(group, "irreps")
    made: dict[tuple[int, Any], Representation] = {}
    blocks: list[Any] = []
    for term in "".join(text.split()).split("+"):
        copies, key = _read_term(term, family)
        if key not in made:
            made[key] = irrep(group, *key)
        blocks += [(copies, made[key].blocks[0][1])] if copies else []
    return from_blocks(group, blocks)


def _read_term(term: str, family: Family) -> tuple[int, tuple[int, str | None]]:
    copies, cross, name = term.rpartition("x")
    degree = name.removeprefix("f" if family.n == 2 else "l").rstrip("eo")
    parity = name[-1:] if name[-1:] in ("e", "o") else None
    count = copies if cross else "1"
    numbers = [count, degree]
    shape_ok = name.removeprefix("f" if family.n == 2 else "l") == degree + (parity or "")
    if not all(n.isascii() and n.isdigit() for n in numbers) or not shape_ok:
        example = "'8x0e + 4x1o'" if family.type == "O" else "'8x0 + 4x1'"
        raise GroupError("irreps", f"must be a sum such as {example}", repr(term), "write copies x degree")
    if family.type == "O" and parity is None:
        rule = "must say the parity of each degree, e or o"
        raise GroupError("irreps", rule, repr(term), "write 0e for scalars and 1o for vectors")
    return int(count), (int(degree), parity)
