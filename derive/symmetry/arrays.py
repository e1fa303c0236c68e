"""Exact matrices as arrays of integers and SymPy numbers, and the images of all elements of a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import sympy

from derive.symmetry.elements import Elements
from derive.symmetry.factors import Piece
from derive.symmetry.group import Group

T = TypeVar("T")


def over_elements(
    elements: Elements, images: dict[str, T], identity: T, product: Callable[[T, T], T]
) -> list[T]:
    """The image of every element, from those of the generators."""
    found = [identity]
    for e in range(1, elements.order):
        generator = elements.generators[elements.by[e]]
        found.append(product(images[generator], found[int(elements.parent[e])]))
    return found


def element_matrices(point: Group, piece: Piece) -> list[np.ndarray]:
    """The exact matrix of every element of a point group, as arrays of integers or SymPy numbers."""
    images = {g: exact_array(piece.matrix(g)) for g in point.generators}
    return over_elements(point.elements, images, np.eye(piece.dim, dtype=object), exact_product)


def exact_array(matrix: Any) -> np.ndarray:
    """A SymPy matrix as an array of integers and, where they do not suffice, SymPy numbers."""
    entries = [int(x) if x.is_Integer else x for x in matrix.flat()]
    return np.array(entries, dtype=object).reshape(matrix.shape)


def exact_product(g: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The product of two arrays of exact numbers, simplified."""
    product = g.dot(h)
    if any(isinstance(x, sympy.Basic) for x in product.flat):
        flat = [simplified(x) for x in product.flat]
        product = np.array(flat, dtype=object).reshape(product.shape)
    return product


def simplified(value: Any) -> Any:
    """An exact number in lowest terms; integers as int."""
    if not isinstance(value, sympy.Basic):
        return value
    short = sympy.radsimp(sympy.expand(value))
    return int(short) if short.is_Integer else short


def exact_entries(array: Any) -> np.ndarray:
    """An array of integers or of SymPy numbers; a float is the fraction that it is."""
    given = np.asarray(array)
    if given.dtype == object or given.dtype.kind in "iu":
        return given
    flat = [*(sympy.Rational(v) for v in given.reshape(-1).tolist()), None]
    return np.array(flat, dtype=object)[:-1].reshape(given.shape)
