"""Counts for reductive Lie groups given by any matrices: weights of a Cartan subalgebra found in the algebra.

With n the sum of the positive root spaces, the invariants of V are the part of weight 0 in
``sum_i (-1)^i Lambda^i n^* x V`` (Kostant). That is Weyl's constant term; and as anything that keeps the
Cartan subalgebra and n acts on both sides alike, it also holds for the traces of discrete generators. Their
average over the finite group that they generate counts what is invariant under all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from sympy import ImmutableMatrix, Poly, Symbol

from derive.counting.characters import side_by_side
from derive.counting.ring import atoms_of, character
from derive.counting.weyl import Laurent
from derive.errors import DeriveError
from derive.symmetry.algebra import structure_of
from derive.symmetry.elements import enumerate_permutations
from derive.symmetry.exact import over_common_field
from derive.symmetry.factors import Atom, Piece
from derive.symmetry.faithful import permutations_of
from derive.symmetry.group import Group
from derive.symmetry.images import as_matrix
from derive.symmetry.residues import NotIntegralError, Residues, inverse, kernel, residues
from derive.symmetry.rootsystem import RootSystem, orbits_of_roots, root_system, scale_between
from derive.symmetry.words import Word, evaluate_word

COMPONENTS = 2_000
LARGEST_ALGEBRA = 60
LARGEST_PIECE = 2**25
VECTORS = 4_000
PRIMES = 60
SQUARES = 120  # modulo primes that are 1 modulo it, -1, 2, 3 and 5 are squares


def root_counter(
    group: Group, pieces: list[Piece], unknowns: int = 0
) -> tuple[Callable[[Piece, Piece], int], str] | None:
    """The counter for reductive algebras that act semisimply; None for others.

    The algebra is reductive when its Killing form has the centre as its kernel. Its discrete generators must
    generate a finite group.
    """
    atoms = tuple(dict.fromkeys(a for p in pieces for a in atoms_of(p) if not a.is_trivial))
    if not group.algebra or group.given is None or len(group.algebra) > LARGEST_ALGEBRA:
        return None
    if unknowns >= LARGEST_PIECE:
        return None
    try:
        algebra = _read(group, atoms)
        words = _components(group, atoms) if algebra is not None else None
    except DeriveError:
        return None
    return None if algebra is None or words is None else _counter(algebra, words)


def _counter(
    algebra: _Algebra, words: list[tuple[Word, int]]
) -> tuple[Callable[[Piece, Piece], int], str] | None:
    """Two primes and the least count, where weights on the centre may vanish modulo one without being 0."""
    known = list(islice(_split(algebra, [w for w, _ in words]), 2 if algebra.centre.shape[1] else 1))
    if not known:
        return None
    order = sum(size for _, size in words)

    def at_prime(p: Piece, q: Piece, prime: int, cosets: list[_Coset]) -> int:
        both = zip(words, cosets, strict=True)
        total = sum(size * coset.trace(p, q) for (_, size), coset in both)
        return total * pow(order, -1, prime) % prime

    system = known[0][1][0].system
    rank, roots = system.cartan.shape[1], 2 * len(system.positive)
    twisted = f", averaged over {order} discrete elements" if order > 1 else ""
    method = f"weights of a Cartan subalgebra (rank {rank}, {roots} roots){twisted}"
    return lambda p, q: min(at_prime(p, q, *one) for one in known), method


# ---- reading --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Algebra:
    """Exact matrices over one field: on the algebra itself, as the group is given, and on the atoms."""

    domain: Any
    lie: tuple[str, ...]
    discrete: tuple[str, ...]
    centre: Any
    images: dict[Any, dict[str, Any]]

    def reduced(self, residue: Residues) -> _Reduced | None:
        try:
            images = {
                name: {g: residue.array(m) for g, m in images.items()} for name, images in self.images.items()
            }
            return _Reduced(residue.prime, self.lie, self.discrete, residue.array(self.centre), images)
        except NotIntegralError:
            return None


@dataclass(frozen=True, eq=False)
class _Reduced:
    """The same modulo a prime."""

    prime: int
    lie: tuple[str, ...]
    discrete: tuple[str, ...]
    centre: np.ndarray
    images: dict[Any, dict[str, np.ndarray]]

    def algebra(self, name: Any) -> np.ndarray:
        return np.array([self.images[name][g] for g in self.lie])

    def element(self, name: Any, word: Word) -> np.ndarray:
        named = {g: self.images[name][g] for g in self.discrete}
        unit = np.eye(len(self.images[name][self.lie[0]]), dtype=np.int64)
        times: Any = lambda a, b: a @ b % self.prime  # noqa: E731
        return evaluate_word(word, named, unit, times, lambda m: inverse(m, self.prime))


ADJOINT, GIVEN = "adjoint", "given"


def _read(group: Group, atoms: tuple[Atom, ...]) -> _Algebra | None:
    """None where the algebra is not reductive, or its centre does not act semisimply."""
    own = Atom(group, group.given or (), "given", group.dim or 0)
    matrices: dict[Any, dict[str, Any]] = {ADJOINT: _adjoint(group)}
    for name, atom in ((GIVEN, own), *((a, a) for a in atoms)):
        matrices[name] = {g: as_matrix(atom.image(g)) for g in group.generators}
    flat = iter(over_common_field([m for images in matrices.values() for m in images.values()]))
    images = {name: {g: next(flat) for g in some} for name, some in matrices.items()}
    adjoint = [images[ADJOINT][g] for g in group.algebra]
    domain = adjoint[0].domain
    stacked = adjoint[0].vstack(*adjoint[1:])
    centre = stacked.nullspace().transpose()
    killing = [[_trace(x * y) for y in adjoint] for x in adjoint]
    form = type(stacked)(killing, (len(adjoint),) * 2, domain)
    if form.rank() + centre.shape[1] != len(adjoint):
        return None
    for images_of in (some for name, some in images.items() if name != ADJOINT):
        basis = [images_of[g] for g in group.algebra]
        if not all(_semisimple(_combination(c, basis)) for c in centre.transpose().to_list()):
            return None
    return _Algebra(domain, group.algebra, group.discrete, centre, images)


def _adjoint(group: Group) -> dict[str, ImmutableMatrix]:
    """How each generator acts on the algebra."""
    structure, at = structure_of(group), {a: i for i, a in enumerate(group.algebra)}
    size = len(at)
    entries: dict[str, dict[tuple[int, int], Any]] = {g: {} for g in group.generators}
    for a, b, combination in structure.brackets:
        for g, x in combination:
            entries[a][at[g], at[b]] = x
            entries[b][at[g], at[a]] = -x
    for d, a, combination in structure.adjoint:
        for g, x in combination:
            entries[d][at[g], at[a]] = x
    return {g: ImmutableMatrix(size, size, lambda i, j, e=e: e.get((i, j), 0)) for g, e in entries.items()}


def _trace(m: Any) -> Any:
    return sum((m.to_list()[i][i] for i in range(m.shape[0])), m.domain.zero)


def _combination(coefficients: list[Any], basis: list[Any]) -> Any:
    total = basis[0] * coefficients[0]
    for c, m in zip(coefficients[1:], basis[1:], strict=True):
        total = total + m * c
    return total


def _semisimple(m: Any) -> bool:
    """Whether the squarefree part of the characteristic polynomial annihilates the matrix."""
    polynomial = Poly([m.domain.to_sympy(c) for c in m.charpoly()], Symbol("x"), domain=m.domain).sqf_part()
    value = m.zeros(m.shape, m.domain)
    for c in polynomial.rep.to_list():
        value = value * m + m.eye(m.shape[0], m.domain) * m.domain.convert(c)
    return bool(value.is_zero_matrix)


# ---- discrete generators --------------------------------------------------------------------------------


def _components(group: Group, atoms: tuple[Atom, ...]) -> list[tuple[Word, int]] | None:
    """One word per class of the finite group of discrete generators, and the size of the class."""
    if not group.discrete:
        return [((), 1)]
    images = [[a.image(d) for d in group.discrete] for a in atoms]
    adjoint = _adjoint(group)
    images.append([adjoint[d] for d in group.discrete])
    moves = [permutations_of(some, "discrete generators", limit=VECTORS) for some in images]
    elements = enumerate_permutations(group.discrete, side_by_side(moves), "discrete generators", COMPONENTS)
    first = np.unique(elements.classes, return_index=True)[1]
    sizes = np.bincount(elements.classes).tolist()
    return [(elements.word(int(i)), n) for i, n in zip(first, sizes, strict=True)]


def _split(algebra: _Algebra, words: list[Word]) -> Iterator[tuple[int, list[_Coset]]]:
    """Primes at which a Cartan subalgebra is diagonal for every discrete element, with the cosets.

    Forms such as so(1,3) need a square root of -1 for that; those of a few small numbers help others.
    """
    for residue in islice(residues(algebra.domain, SQUARES), PRIMES):
        found = algebra.reduced(residue)
        cosets = None if found is None else _cosets(found, words)
        if cosets is not None:
            yield residue.prime, cosets


def _cosets(found: _Reduced, words: list[Word]) -> list[_Coset] | None:
    made = []
    for word in words:
        coset = _coset(found, word)
        if coset is None:
            return None
        made.append(coset)
    return made


def _coset(found: _Reduced, word: Word) -> _Coset | None:
    """What is needed of one discrete element: a Cartan subalgebra and positive roots that it keeps."""
    prime, adjoint = found.prime, found.algebra(ADJOINT)
    twist = found.element(ADJOINT, word)
    fixed = kernel(twist - np.eye(len(twist), dtype=np.int64), prime)[0]
    system = root_system(adjoint, found.algebra(GIVEN), found.centre, prime, fixed, twist)
    if system is None:
        return None
    measure = _measure(system, twist)
    atoms = [name for name in found.images if isinstance(name, Atom)]
    actions = {a: _action(system, found.algebra(a), found.element(a, word)) for a in atoms}
    if measure is None or any(a is None for a in actions.values()):
        return None
    return _Coset(system, measure, {a: x for a, x in actions.items() if x is not None})


def _measure(system: RootSystem, twist: np.ndarray) -> dict[tuple[int, ...], int] | None:
    """``det(1 - t d)`` on n^*: a factor ``1 - z^(-sum) / c`` per cycle of roots, c the scale round it."""
    cycles = orbits_of_roots(system.positive, twist, system.prime)
    if cycles is None:
        return None
    zero = system.key((0,) * system.cartan.shape[1])
    product = Laurent({zero: 1})
    for cycle in cycles:
        around = vector = system.positive[cycle[0]]
        for _ in cycle:
            around = twist @ around % system.prime
        scale = scale_between(around, vector, system.prime)
        if scale is None:
            return None
        total = tuple(-sum(x) for x in zip(*map(system.key, cycle), strict=True))
        product = _modulo(product * Laurent({zero: 1, total: -pow(scale, -1, system.prime)}), system.prime)
    return product.terms


def _modulo(value: Laurent, prime: int) -> Laurent:
    return Laurent({k: v % prime for k, v in value.terms.items() if v % prime})


@dataclass(frozen=True, eq=False)
class _Action:
    """An atom on one coset: its weights with bases, the weight to which the discrete element carries each."""

    weights: dict[Any, np.ndarray]
    moved: dict[Any, Any]
    element: np.ndarray


def _action(system: RootSystem, images: np.ndarray, element: np.ndarray) -> _Action | None:
    weights = system.weights(images)
    if weights is None:
        return None
    moved = {}
    for w, basis in weights.items():
        image = element @ basis[:, :1] % system.prime
        to = [v for v, other in weights.items() if _contains(other, image, system.prime)]
        if len(to) != 1:
            return None
        moved[w] = to[0]
    return _Action(weights, moved, element)


def _contains(basis: np.ndarray, vector: np.ndarray, prime: int) -> bool:
    return kernel(np.concatenate([basis, vector], axis=1), prime)[0].shape[1] == 1


@dataclass(frozen=True, eq=False)
class _Coset:
    """The component of one discrete element d: traces of t d, t in the torus, as Laurent polynomials."""

    system: RootSystem
    measure: dict[tuple[int, ...], int]
    actions: dict[Atom, _Action]

    def trace(self, p: Piece, q: Piece) -> int:
        """The trace of d on the maps from p to q that the algebra leaves fixed, modulo the prime."""
        integrand = _modulo(self._value(p, -1) * self._value(q, 1), self.system.prime)
        rank = len(self.system.coroots)
        flat = {k[:rank]: v for k, v in self.measure.items()}
        terms = integrand.terms.items()
        return sum(v * flat.get(tuple(-x for x in k[:rank]), 0) for k, v in terms if self.system.is_zero(k))

    def _value(self, piece: Piece, at: int) -> Laurent:
        prime = self.system.prime
        one = Laurent({self.system.key((0,) * self.system.cartan.shape[1]): 1})
        divide: Any = lambda v, k: _modulo(v * pow(k, -1, prime), prime)  # noqa: E731
        return character(piece, at, lambda a, k: one if a.is_trivial else self._atom(a, k), one, divide)

    def _atom(self, atom: Atom, k: int) -> Laurent:
        """``tr (t d)^k``: over the weights that d^k keeps, with the product of t along the way."""
        action, prime = self.actions[atom], self.system.prime
        element = action.element if k > 0 else inverse(action.element, prime)
        power, total = np.eye(len(element), dtype=np.int64), Laurent({})
        for _ in range(abs(k)):
            power = power @ element % prime
        for w, basis in action.weights.items():
            path = [w]
            for _ in range(abs(k)):
                path.append(action.moved[path[-1]])
            if path[-1] == w:
                keys = zip(*map(self.system.key, path[1:]), strict=True)
                key = tuple(sum(x) * (1 if k > 0 else -1) for x in keys)
                total = total + Laurent({key: _trace_on(power, basis, prime)})
        return _modulo(total, prime)


def _trace_on(element: np.ndarray, basis: np.ndarray, prime: int) -> int:
    """The trace on an invariant subspace."""
    kept = [int(np.flatnonzero(row)[0]) for row in _echelon(basis.T, prime)]
    inner = inverse(basis[kept], prime)
    return int(np.trace((element @ basis % prime)[kept] @ inner % prime)) % prime


def _echelon(rows: np.ndarray, prime: int) -> list[np.ndarray]:
    """Independent rows with first places that differ."""
    found: list[np.ndarray] = []
    for row in rows:
        for other in found:
            at = int(np.flatnonzero(other)[0])
            row = (row * int(other[at]) - other * int(row[at])) % prime
        found.append(row)
    return found
