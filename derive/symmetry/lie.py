"""The classical Lie groups: bases of their Lie algebras, then the discrete generators."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from sympy import ImmutableMatrix, SparseMatrix, diag, eye

from derive.symmetry.group import Family, Group
from derive.symmetry.sizes import flag, whole


def special_orthogonal(n: int) -> Group:
    """SO(n): the algebra of skew matrices, ``x01`` turning axis 0 towards axis 1, and so on.

    >>> special_orthogonal(3).generators
    ('x01', 'x02', 'x12')
    """
    n = whole(n, "n")
    return _lie(f"SO({n})", n, _rotations(range(n)), {}, (), Family("SO", n))


def orthogonal(n: int) -> Group:
    """O(n): the algebra of SO(n), and ``m``, the reflection of axis 0.

    >>> orthogonal(2).generators
    ('x01', 'm')
    """
    n = whole(n, "n")
    mirror = {"m": diag(-1, *[1] * (n - 1))}
    return _lie(f"O({n})", n, _rotations(range(n)), mirror, ("m^2",), Family("O", n))


def as_orthogonal(group: Group) -> Family | None:
    """SO(n) or O(n), recognised by its generators: all x01, x02, ..., and for O(n) the reflection of axis 0.

    >>> as_orthogonal(orthogonal(3).subgroup(["x01", "x02", "x12"]))
    Family(type='SO', n=3)
    """
    n = group.dim or 0
    for kind, whole_group in (("SO", special_orthogonal), ("O", orthogonal)):
        if n > 1 and group.given is not None and group.given == whole_group(n).given and group.algebra:
            return Family(kind, n)
    return None


def lorentz(full: bool = False) -> Group:
    """The connected Lorentz group SO+(1,3), time first: boosts ``b1 b2 b3``, rotations ``x12 x13 x23``.

    Args:
        full: O(1,3) instead, with ``p`` (space) and ``t`` (time) reversed.

    >>> lorentz(full=True).generators
    ('b1', 'b2', 'b3', 'x12', 'x13', 'x23', 'p', 't')
    """
    boosts = {f"b{i}": {(0, i): 1, (i, 0): 1} for i in range(1, 4)}
    algebra = {**boosts, **_rotations(range(1, 4))}
    if not flag(full, "full"):
        return _lie("SO+(1,3)", 4, algebra, {}, (), Family("SO", 4))
    reversals = {"p": diag(1, -1, -1, -1), "t": diag(-1, 1, 1, 1)}
    return _lie("O(1,3)", 4, algebra, reversals, ("p^2", "t^2", "p*t = t*p"), Family("O", 4))


def special_linear(n: int) -> Group:
    """SL(n): the algebra of traceless matrices, ``e01`` the unit matrix at (0, 1), ``h0 = E_00 - E_11``.

    >>> special_linear(2).generators
    ('e01', 'e10', 'h0')
    """
    n = whole(n, "n")
    algebra = {_label("e", i, j): {(i, j): 1} for i in range(n) for j in range(n) if i != j}
    algebra |= {f"h{i}": {(i, i): 1, (i + 1, i + 1): -1} for i in range(n - 1)}
    return _lie(f"SL({n})", n, algebra, {}, (), Family("SL", n))


def general_linear(n: int) -> Group:
    """GL(n): the algebra of all matrices, and ``m``, the reflection of axis 0.

    >>> general_linear(1).generators
    ('e00', 'm')
    """
    n = whole(n, "n")
    algebra = {_label("e", i, j): {(i, j): 1} for i in range(n) for j in range(n)}
    mirror = {"m": diag(-1, *[1] * (n - 1))}
    return _lie(f"GL({n})", n, algebra, mirror, ("m^2",), Family("GL", n))


def symplectic(m: int) -> Group:
    """Sp(2m) on 2m dimensions, preserving ``[[0, 1], [-1, 0]]``: the algebra ``[[A, B], [C, -A^T]]``.

    A is any matrix (``a01``, ...), B and C are symmetric (``b01``, ``c01``, ...).

    >>> symplectic(1).generators
    ('a00', 'b00', 'c00')
    """
    m = whole(m, "m")
    pairs = [(i, j) for i in range(m) for j in range(i, m)]
    algebra = {_label("a", i, j): {(i, j): 1, (m + j, m + i): -1} for i in range(m) for j in range(m)}
    algebra |= {_label("b", i, j): {(i, m + j): 1, (j, m + i): 1} for i, j in pairs}
    algebra |= {_label("c", i, j): {(m + i, j): 1, (m + j, i): 1} for i, j in pairs}
    return _lie(f"Sp({2 * m})", 2 * m, algebra, {}, (), Family("Sp", m))


def _label(letter: str, i: int, j: int) -> str:
    return f"{letter}{i}{j}" if max(i, j) < 10 else f"{letter}{i}_{j}"


def _rotations(axes: range) -> dict[str, dict[tuple[int, int], int]]:
    return {_label("x", i, j): {(j, i): 1, (i, j): -1} for i, j in combinations(axes, 2)}


def _lie(
    name: str, dim: int, algebra: dict[str, Any], discrete: dict[str, Any], relations: Any, family: Family
) -> Group:
    if not algebra and not discrete:
        discrete, relations = {"e": eye(dim)}, ("e",)
    lie = [ImmutableMatrix(SparseMatrix(dim, dim, entries)) for entries in algebra.values()]
    images = (*lie, *(ImmutableMatrix(d) for d in discrete.values()))
    names = (*algebra, *discrete)
    return Group(name, names, relations, images, "matrices", tuple(algebra), presented=True, family=family)
