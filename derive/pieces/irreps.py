"""Irreducible representations by what people call them: `irrep(G, label)`, and all of them: `irreps(G)`."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, overload

from derive.errors import GroupError, brief
from derive.pieces.known import Entry, entries
from derive.symmetry.group import Group, read_group
from derive.symmetry.irreps import irreps as by_frequency
from derive.symmetry.lie import as_orthogonal
from derive.symmetry.representation import Representation, from_blocks
from derive.symmetry.spherical import irrep as harmonic

NAMED = 30  # names that an error lists


@overload
def irreps(group: Group, max_frequency: int | None = None) -> tuple[Representation, ...]: ...


@overload
def irreps(group: Group, max_frequency: str) -> Representation: ...


def irreps(
    group: Group, max_frequency: int | str | None = None
) -> tuple[Representation, ...] | Representation:
    """The irreducible real representations of a group; or the sum of them that a text writes.

    Those of cyclic and dihedral groups, SO(2) and O(2) come by increasing frequency: a rotation by
    ``2 pi / n`` acts in frequency k by ``[[cos t, -sin t], [sin t, cos t]]`` with ``t = 2 pi k / n``, a
    reflection by ``diag(1, -1)``; frequencies 0 and n/2 have one dimension. For SO(2) and O(2) the algebra
    acts by ``[[0, -k], [k, 0]]``. Those of SO(3) and O(3) come by degree, those of other finite groups by
    dimension: of S_n and A_n named by partitions, of point groups in space A1, E, T2, ..., of a product by
    one name for each factor, of others by dimension and a letter.

    Args:
        group: a finite group, SO(2), O(2), SO(3) or O(3).
        max_frequency: the largest frequency or degree; needed for Lie groups, else all of them. Also a sum
            that is returned as one representation: '8x0e + 4x1o', copies x degree and parity, for SO(n) and
            O(n); for finite groups copies x name, '2xA1 + T2'.

    Raises:
        InfiniteError, TooLargeError: the group has too many. GroupError: another argument is wrong.

    >>> from derive.symmetry.catalogue import cyclic, dihedral, point_group, symmetric
    >>> [V.dim for V in irreps(cyclic(5))], [V.dim for V in irreps(dihedral(4))]
    ([1, 2, 2], [1, 1, 1, 1, 2])
    >>> [V.name for V in irreps(point_group("O", dim=3))]
    ['A1', 'A2', 'E', 'T1', 'T2']
    >>> irreps(symmetric(4))[2:4]
    (Representation((2,2), dim=2, group=S_4), Representation((3,1), dim=3, group=S_4))
    >>> from derive.symmetry.lie import orthogonal
    >>> irreps(orthogonal(3), "8x0e + 4x1o")
    Representation(8x0e + 4x1o, dim=20, group=O(3))
    """
    group = read_group(group)
    if group.algebra:
        return by_frequency(group, max_frequency)
    if isinstance(max_frequency, str):
        return _sum(group, max_frequency)
    if max_frequency is not None:
        return by_frequency(group, max_frequency)
    return tuple(entry.make() for entry in entries(group))


def _sum(group: Group, text: str) -> Representation:
    """The sum of irreducible representations of a finite group that a text writes: 2xA1 + T2 or 2 A1 + T2."""
    known = entries(group)
    made: dict[str, Representation] = {}
    blocks = []
    for term in text.split(" + "):
        copies, name = _read_term(term.strip())
        if name not in made:
            made[name] = _labelled(group, known, name, "irreps")
        blocks += [(copies, made[name].blocks[0][1])] if copies else []
    return from_blocks(group, blocks)


def _read_term(term: str) -> tuple[int, str]:
    """Copies and name."""
    for cross in ("x", " "):
        copies, found, name = term.partition(cross)
        if found and copies.isascii() and copies.isdigit():
            return int(copies), name.strip()
    return 1, term


def irrep(group: Group, l: Any, parity: Any = None) -> Representation:
    """The irreducible representation of a group that is called so.

    SO(n) and O(n) have those on the harmonic polynomials of degree l, ``Y(g d) = rho(g) Y(d)``: Y is an
    orthogonal basis with integer coefficients, the coordinates for l = 1, the real and the imaginary part of
    ``(d_1 + i d_2)^l`` in the plane. In three dimensions these are all irreducible representations.

    Args:
        group: SO(n) or O(n) with n >= 2, or a finite group.
        l: the degree, or frequency in the plane, of SO(n) and O(n). A partition such as (3, 1) for S_n, also
            for A_n, where one that is its own conjugate may have the halves ((3, 1, 1), '+') and '-'. The
            frequency for cyclic and dihedral groups; 'A1', 'E', 'T2' for point groups in space; for direct
            products a tuple with one label for each factor. Every name that `irreps(G)` shows.
        parity: for O(n): 'e' or 'o', also 1 or -1. That of polynomials is (-1)^l, as that of vectors, 1o;
            the other one, as that of pseudovectors, 1e, is multiplied by the determinant. None: (-1)^l.

    Raises:
        GroupError: nothing is called so, or a parity where there are no reflections.

    >>> from derive.symmetry.catalogue import point_group, symmetric
    >>> from derive.symmetry.lie import orthogonal
    >>> O3 = orthogonal(3)
    >>> irrep(O3, 1), irrep(O3, 2).matrix("x01")[:2, :2]
    (Representation(1o, dim=3, group=O(3)), Matrix([
    [0, -2],
    [2,  0]]))
    >>> irrep(symmetric(5), (3, 1, 1)), irrep(point_group("O", dim=3), "T2")
    (Representation((3,1,1), dim=6, group=S_5), Representation(T2, dim=3, group=O))

    Source: G. James, A. Kerber, "The representation theory of the symmetric group", 1981, chapter 3.
    """
    group = read_group(group)
    if group.algebra or as_orthogonal(group) is not None:
        return harmonic(group, l, parity)
    if parity is not None:
        rule = "must be left out for a finite group, whose labels say everything"
        raise GroupError("parity", rule, brief(parity), "use irrep(G, label)")
    return _labelled(group, entries(group), l, "l")


def _labelled(group: Group, known: Sequence[Entry], label: Any, argument: str) -> Representation:
    wanted = _plain(label)
    name = _as_name(wanted)
    for entry in known:
        if wanted == entry.label or name == "".join(entry.name.split()):
            return entry.make()
    rule = f"must name an irreducible representation of {group.name}"
    raise GroupError(argument, rule, brief(label), _known(known, label))


def _as_name(label: Any) -> str | None:
    """A name without blanks; names for each factor as that of the product."""
    if isinstance(label, tuple) and label and all(isinstance(part, str) for part in label):
        return f"({','.join(''.join(part.split()) for part in label)})"
    return "".join(label.split()) if isinstance(label, str) else None


def _plain(label: Any) -> Any:
    """Lists as tuples and NumPy integers as integers, all the way down."""
    if isinstance(label, str):
        return label
    if isinstance(label, Sequence) or hasattr(label, "tolist"):
        parts = label.tolist() if hasattr(label, "tolist") else label
        return tuple(map(_plain, parts)) if isinstance(parts, Sequence) else parts
    return label


def _known(known: Sequence[Entry], label: Any) -> str:
    """The nearest names, and all of them where they are few."""
    names = [entry.name for entry in known]
    written = "".join(str(label).split()).replace("[", "(").replace("]", ")")
    near = get_close_matches(written, names, n=3, cutoff=0.4)
    shown = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    return (f"did you mean {' or '.join(near)}? " if near else "") + f"there are {shown}"
