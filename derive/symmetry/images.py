"""Images of generators, each an exact matrix or a monomial map, and the words evaluated in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sympy import ImmutableMatrix, SparseMatrix, eye

from derive.symmetry.exact import over_common_field, to_sympy
from derive.symmetry.monomial import Monomial, direct_sum, identity_map
from derive.symmetry.words import Word, evaluate_word


@dataclass(frozen=True)
class Zero:
    """How an element of a Lie algebra acts where nothing moves, without the entries."""

    dim: int
    is_zero_matrix = True


Image: TypeAlias = Monomial | Zero | ImmutableMatrix


def image_dim(image: Image) -> int:
    """The dimension of the space an image acts on."""
    return image.rows if isinstance(image, ImmutableMatrix) else image.dim


def as_matrix(image: Image) -> ImmutableMatrix:
    """The exact matrix of an image."""
    if isinstance(image, Zero):
        return ImmutableMatrix.zeros(image.dim, image.dim)
    return image.matrix if isinstance(image, Monomial) else image


def first_broken(relations: Iterable[Word], images: Mapping[str, Image]) -> Word | None:
    """The first relation that the images do not satisfy, decided exactly."""
    relations = tuple(relations)
    if not relations:
        return None
    used = sorted({g for w in relations for g, _ in w})
    maps = {g: i for g, i in images.items() if g in used and isinstance(i, Monomial)}
    if len(maps) == len(used):
        one = identity_map(next(iter(maps.values())).dim)
        made = ((w, evaluate_word(w, maps, one, _product, lambda m: m.inverse)) for w in relations)
        return next((w for w, value in made if not value.is_identity), None)
    fields = dict(zip(used, over_common_field(as_matrix(images[g]) for g in used), strict=True))
    unit = over_common_field([eye(fields[used[0]].shape[0])])[0].convert_to(fields[used[0]].domain)
    inverses = {g: m.inv() for g, m in fields.items()}
    for w in relations:
        letters = dict(fields)
        letters |= {g + "'": m for g, m in inverses.items()}
        positive = tuple((g if e > 0 else g + "'", abs(e)) for g, e in w)
        if evaluate_word(positive, letters, unit, _product, lambda m: m) != unit:
            return w
    return None


def _product(a: Any, b: Any) -> Any:
    return a * b


def image_of_word(word: Word, images: Mapping[str, Image], dim: int) -> Image:
    """The image of a product of generators."""
    maps = {g: images[g] for g, _ in word}
    monomial = {g: i for g, i in maps.items() if isinstance(i, Monomial)}
    if len(monomial) == len(maps):
        return evaluate_word(word, monomial, identity_map(dim), _product, lambda m: m.inverse)
    names = list(maps)
    fields = dict(zip(names, over_common_field(as_matrix(maps[g]) for g in names), strict=True))
    unit = over_common_field([eye(dim)])[0].convert_to(fields[names[0]].domain)
    return to_sympy(evaluate_word(word, fields, unit, _product, lambda m: m.inv()))


def on_summand(image: Image, sizes: list[int], k: int, is_algebra: bool) -> Image:
    """The image on summand k of a direct sum; on the others the identity, or zero for a Lie algebra."""
    if isinstance(image, Monomial) and not is_algebra:
        return direct_sum([image if i == k else identity_map(n) for i, n in enumerate(sizes) if n])
    at, size = sum(sizes[:k]), sum(sizes)
    own = range(at, at + sizes[k])
    entries = {} if is_algebra else {(i, i): 1 for i in range(size) if i not in own}
    entries |= {(at + i, at + j): value for (i, j), value in as_matrix(image).todok().items()}
    return ImmutableMatrix(SparseMatrix(size, size, entries))
