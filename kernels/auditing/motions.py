"""The elements of a group as motions of the sites of an array and of its channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.action.fibres import move_channels, read_blocks
from kernels.errors import KernelError

PARAMETER = 0.7
ELEMENTS = 96

Word = tuple[tuple[str, int], ...]
Vector = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Element:
    """A group element: sites move by p -> matrix p + shift, channels by what its word makes of them.

    `axis`: along which a translation shifts; `parameter`: of a generator of a Lie algebra; `group`: the
    point group that the word is of.
    """

    name: str
    word: Word
    matrix: np.ndarray
    shift: tuple[Fraction, ...]
    axis: int | None = None
    parameter: float | None = None
    group: Any = None

    @property
    def is_shift(self) -> bool:
        return self.axis is not None


@dataclass(frozen=True)
class Monomial:
    """Channels permuted with signs: (g a)[j] = sign[j] a[source[j]]."""

    source: np.ndarray
    sign: np.ndarray


Channel = Monomial | np.ndarray | None


def format_word(word: Word) -> str:
    return "*".join(g if e == 1 else f"{g}^{e}" for g, e in word) or "1"


# ---- the group of a field -----------------------------------------------------------------------------


def fibre_of(field: Any) -> Any:
    """The representation of a field, or the representation given instead of one."""
    return field.fibre if hasattr(field, "fibre") else field


def lattice_of(field: Any) -> Any:
    return getattr(field, "lattice", None)


def point_of(field: Any) -> Any:
    return fibre_of(field).group


def dim_of(field: Any) -> int:
    """The number of axes of sites."""
    lattice = lattice_of(field)
    return 0 if lattice is None else lattice.dim


def generators_of(field: Any) -> list[Element]:
    """Every generator of the point group, translations left out."""
    point = point_of(field)
    found = [_element(field, ((g, 1),)) for g in point.generators if g not in point.algebra]
    return [_lie(g) for g in point.algebra] + found


def elements_of(field: Any) -> list[Element]:
    """Every element of a finite point group but 1, shortest words first; of others the generators."""
    point = point_of(field)
    if point.algebra or not point.generators or point.order > ELEMENTS:
        return generators_of(field)
    words = sorted(point.elements.words[1:], key=lambda w: sum(abs(e) for _, e in w))
    return [_element(field, word) for word in words]


def closure(field: Any, words: Iterable[Word]) -> set[int]:
    """The numbers of the elements that words generate."""
    elements = point_of(field).elements
    starts = [elements.index(w) for w in words]
    found, frontier = {0}, [0]
    while frontier:
        frontier = sorted({int(elements.table[s, i]) for s in starts for i in frontier} - found)
        found |= set(frontier)
    return found


def _lie(generator: str) -> Element:
    return Element(generator, ((generator, 1),), np.zeros((0, 0), int), (), parameter=PARAMETER)


def _element(field: Any, word: Word) -> Element:
    name, dim = format_word(word), dim_of(field)
    if not dim:
        return Element(name, word, np.zeros((0, 0), int), (), group=point_of(field))
    matrix, shift = field.lattice.carry(name, field.action(name, _width(field)).motion)
    linear = np.array(matrix, dtype=int)
    return Element(name, word, linear, tuple(map(Fraction, shift)), group=point_of(field))


def _width(field: Any) -> int:
    """Some number of channels that the fibre may have: copies that are symbols are taken once."""
    return sum((c if isinstance(c, int) else 1) * int(p.dim) for c, p in fibre_of(field).blocks)


def _times(matrix: np.ndarray, vector: Iterable[Fraction]) -> list[Fraction]:
    entries = list(vector)
    return [sum((int(m) * x for m, x in zip(row, entries, strict=True)), Fraction(0)) for row in matrix]


def periods_of(field: Any) -> Vector:
    """By how many sites translations of the group move each axis; 0 where none does."""
    lattice = lattice_of(field)
    if lattice is None:
        return ()
    return tuple(int(p / s) for p, s in zip(field.group.period, lattice.spacing, strict=True))


def shift_element(axis: int, step: int, dim: int, name: str) -> Element:
    """The translation by some sites along an axis."""
    shift = tuple(Fraction(step if i == axis else 0) for i in range(dim))
    return Element(name, (), np.eye(dim, dtype=int), shift, axis=axis)


# ---- sites --------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _sources(matrix: bytes, shift: Vector, sites: Vector, wrap: tuple[bool, ...]) -> np.ndarray | None:
    """The flat number of the site that lands on each site; None where one comes from outside."""
    dim = len(sites)
    m = np.frombuffer(matrix, dtype=np.int64).reshape(dim, dim)
    inverse = np.rint(np.linalg.inv(m)).astype(np.int64)
    points = np.stack(np.meshgrid(*map(np.arange, sites), indexing="ij"), -1).reshape(-1, dim)
    back = (points - np.array(shift)) @ inverse.T
    for k, n in enumerate(sites):
        if wrap[k]:
            back[:, k] %= n
        elif (back[:, k] < 0).any() or (back[:, k] >= n).any():
            return None
    flat = np.ravel_multi_index(tuple(back.T), sites)
    return flat if len(np.unique(flat)) == len(flat) else None


def sources(matrix: np.ndarray, shift: Vector, sites: Vector, wrap: tuple[bool, ...]) -> np.ndarray | None:
    """As a gather: the moved array is array[sources]."""
    return _sources(np.ascontiguousarray(matrix, dtype=np.int64).tobytes(), tuple(shift), tuple(sites), wrap)


def own_centre(matrix: np.ndarray, sites: Vector) -> Vector | None:
    """The shift with which a linear part turns an array about its own centre; None where sites miss sites."""
    centre = [Fraction(n - 1, 2) for n in sites]
    moved = _times(matrix, centre)
    shift = [c - m for c, m in zip(centre, moved, strict=True)]
    return tuple(int(t) for t in shift) if all(t.denominator == 1 for t in shift) else None


def first_shifts(
    element: Element, sites: Vector, wrap: tuple[bool, ...], periods: Vector, reach: int
) -> list[Vector]:
    """The shifts with which an element may move the input.

    On open axes only the one about the array's own centre: so a user turns an image, whether this turn is in
    the group or, at this size, beside its centres; but a glide is none. On periodic ones those that make it
    an element of the group: some multiples of the periods.
    """
    if not sites:
        return [()]
    own = own_centre(element.matrix, sites)
    along = []
    for k, n in enumerate(sites):
        step, start = periods[k], element.shift[k]
        if start.denominator != 1:
            return []
        if wrap[k]:
            count = min(reach, n // step) if step else 1
            values = [(int(start) + step * i) % n for i in range(count)]
            values += [own[k] % n] if own is not None and step and (own[k] - start) % step == 0 else []
        elif own is None or (
            _is_beside(own[k] - start, step) and (not step or any(wrap) or glides(element, periods))
        ):
            return []
        else:
            values = [own[k]]
        along.append(list(dict.fromkeys(values)))
    shifts = [t for t in product(*along) if sources(element.matrix, t, sites, wrap) is not None]
    return shifts


def all_shifts(sites: Vector, reach: int) -> list[Vector]:
    return list(product(*(range(min(n, reach)) for n in sites)))


def _is_beside(gap: Fraction, step: int) -> bool:
    """Whether two centres along an axis are no translation of the group apart."""
    return gap % step != 0 if step else gap != 0


def glides(element: Element, periods: Vector) -> bool:
    """Whether an element shifts along what its linear part fixes, whichever translation follows it."""
    powers = [np.eye(len(periods), dtype=int)]
    while (powers[-1] @ element.matrix != powers[0]).any():
        powers.append(powers[-1] @ element.matrix)
    along = sum(powers[1:], powers[0])  # a multiple of the projection on what is fixed
    start = np.array([int(s) for s in element.shift])
    ways = product(*((-p, 0, p) for p in periods))
    return all((along @ (start + np.array(way))).any() for way in ways)


# ---- channels -----------------------------------------------------------------------------------------


def acts(representation: Any, element: Element) -> bool:
    """Whether a representation, of the group or of a subgroup, says how an element acts."""
    return _name_in(representation.group, element.group, element.word) is not None


@lru_cache(maxsize=4096)
def _name_in(group: Any, whole: Any, word: Word) -> str | None:
    """An element of a group in the generators of a subgroup of it, where it is in that."""
    if whole is None or group == whole:
        return format_word(word)
    if group.embedding is None or group.embedding[0] != whole or whole.algebra:
        return None
    names = dict(zip(group.generators, group.embedding[1], strict=True))
    target = whole.elements.index(word)
    for own in group.elements.words:
        letters = [w for g, e in own for w in _power(names[g], e)]
        if whole.elements.index(tuple(letters)) == target:
            return format_word(own)
    return None


def _power(word: Word, exponent: int) -> Word:
    inverse = tuple((g, -e) for g, e in reversed(word))
    return (word if exponent > 0 else inverse) * abs(exponent)


def channel_action(representation: Any, element: Element, width: int) -> Channel:
    """How an element acts on the channels of a representation."""
    if element.is_shift:
        return None
    name = _name_in(representation.group, element.group, element.word) or element.name
    return _channel_action(representation, name, element.parameter, width)


@lru_cache(maxsize=1024)
def _channel_action(representation: Any, name: str, parameter: float | None, width: int) -> Channel:
    g: Any = name if parameter is None else {name: parameter}
    blocks, matrices = read_blocks(representation.action(g, width).blocks)
    if any(np.iscomplexobj(m) for m in matrices):
        raise KernelError("into, out", "must have real fibres", "complex matrices", "use a real form")
    with jax.enable_x64(True):
        rows = np.asarray(move_channels(blocks, matrices, jnp.eye(width, dtype=jnp.float64)))
    return reduced(rows.T)


def reduced(matrix: np.ndarray) -> Channel:
    """A matrix, or the signed permutation that it is, or nothing where it is the identity."""
    size = len(matrix)
    rounded = np.rint(matrix)
    if np.abs(matrix - rounded).max(initial=0) > 1e-12 or (np.abs(rounded).sum(axis=1) != 1).any():
        return matrix
    source = np.abs(rounded).argmax(axis=1)
    sign = rounded[np.arange(size), source]
    if (source == np.arange(size)).all() and (sign == 1).all():
        return None
    return Monomial(source, sign)


def as_array(action: Channel, size: int) -> np.ndarray:
    """The matrix of an action on channels."""
    if action is None:
        return np.eye(size)
    if isinstance(action, Monomial):
        result = np.zeros((size, size))
        result[np.arange(size), action.source] = action.sign
        return result
    return action


def act_on_channels(array: np.ndarray, action: Channel) -> np.ndarray:
    """The last axis moved."""
    if action is None:
        return array
    if isinstance(action, Monomial):
        moved = array[..., action.source]
        return moved if (action.sign == 1).all() else moved * action.sign.astype(array.dtype)
    return (array.astype(np.result_type(array.dtype, np.float32)) @ action.T).astype(array.dtype)


def same_group(one: Any, other: Any) -> bool:
    return point_of(one) == point_of(other)


def related(field: Any, into: Any) -> bool:
    """Whether a field's group is that of the input, or a subgroup made from it."""
    group = point_of(field)
    embedded = group.embedding is not None and group.embedding[0] == point_of(into)
    return bool(group == point_of(into) or embedded)
