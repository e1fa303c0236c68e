"""What a group does to the channels of a field, piece by piece: which functions commute with it.

A piece that the group permutes commutes with every function of one number; one whose signs change, with odd
functions; any other, with scalings that do not depend on the direction. What does not move is the fixed
subspace: means and shifts live there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import derive
from derive.symmetry.arrays import over_elements
from derive.symmetry.representation import from_blocks
from kernels.errors import FieldError
from kernels.layers.core.fields import piece_name
from kernels.static import Content, Static

PERMUTED, SIGNED, MIXED = "permuted", "signed", "mixed"
ELEMENTS = 4096  # of a group, up to which an invariant length is found by summing over them
CACHED = 512


class Part(NamedTuple):
    """Copies of one piece, side by side: channels `first + dim * copy + entry`.

    `kind`: what the generators do to the piece's entries; `why`: of a mixed one, which generator and how.
    """

    name: str
    first: int
    copies: int
    dim: int
    kind: str
    why: str

    @property
    def channels(self) -> slice:
        return slice(self.first, self.first + self.copies * self.dim)

    @property
    def where(self) -> str:
        """The channels and the piece, for people."""
        first, stop = self.first, self.channels.stop
        return (
            f"channel {first} ({self.name})"
            if stop == first + 1
            else f"channels {first}:{stop} ({self.name})"
        )

    def split(self, x: jax.Array) -> jax.Array:
        """(..., C) -> (..., copies, dim)."""
        return x[..., self.channels].reshape(*x.shape[:-1], self.copies, self.dim)


class Fixed(NamedTuple):
    """The fixed subspace of a piece: vectors (dim, k) and covectors (k, dim) with covectors @ vectors = 1."""

    vectors: Static
    covectors: Static

    @property
    def dim(self) -> int:
        return self.vectors.array.shape[1]


@dataclass(frozen=True, eq=False)
class Layout(Content):
    """The parts of a fibre, the fixed subspace of each piece, and its invariant length where it is asked.

    `forms`: for every part the matrix F with |v|^2 = v F v, None where it is the identity.
    """

    parts: tuple[Part, ...]
    fixed: tuple[Fixed, ...] = ()
    forms: tuple[Static | None, ...] = ()

    @property
    def copies(self) -> int:
        """How many copies of pieces there are in all."""
        return sum(part.copies for part in self.parts)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The number of each part's first copy."""
        return tuple(int(n) for n in np.cumsum([0, *(part.copies for part in self.parts)]))

    def of_copies(self, numbers: jax.Array, k: int) -> jax.Array:
        """One part's numbers out of one per copy: (..., copies, 1)."""
        return numbers[..., self.starts[k] : self.starts[k + 1], None]

    @property
    def shifts(self) -> int:
        """How many numbers a vector that does not move has."""
        return sum(p.copies * f.dim for p, f in zip(self.parts, self.fixed, strict=True))

    def shifted(self, b: jax.Array) -> list[jax.Array]:
        """Vectors that do not move, of `shifts` numbers: (copies, dim) for each part."""
        found, at = [], 0
        for part, fixed in zip(self.parts, self.fixed, strict=True):
            many = part.copies * fixed.dim
            found.append(b[at : at + many].reshape(part.copies, fixed.dim) @ _like(fixed.vectors.array.T, b))
            at += many
        return found

    def coordinates(self, vector: jax.Array) -> jax.Array:
        """The numbers of a vector (C,) that does not move: the inverse of `shifted`."""
        found = [
            (part.split(vector) @ _like(fixed.covectors.array.T, vector)).reshape(-1)
            for part, fixed in zip(self.parts, self.fixed, strict=True)
        ]
        return jnp.concatenate(found)

    def still(self, v: jax.Array, k: int) -> jax.Array:
        """The projection of (..., dim) vectors of part k on what does not move, along the rest."""
        fixed = self.fixed[k]
        if not fixed.dim:
            return jnp.zeros_like(v)
        return v @ _like(fixed.covectors.array.T, v) @ _like(fixed.vectors.array.T, v)

    def squares(self, v: jax.Array, k: int) -> jax.Array:
        """The invariant squared lengths of (..., dim) vectors of part k."""
        form = self.forms[k]
        return jnp.sum(v * v if form is None else v * (v @ _like(form.array, v)), -1)

    def join(self, pieces: list[jax.Array]) -> jax.Array:
        """Parts (..., copies, dim) back to (..., C)."""
        flat = [v.reshape(*v.shape[:-2], v.shape[-2] * v.shape[-1]) for v in pieces]
        return flat[0] if len(flat) == 1 else jnp.concatenate(flat, -1)

    def spread(self, numbers: jax.Array) -> jax.Array:
        """One number per copy to one per channel."""
        return jnp.repeat(numbers, np.repeat([p.dim for p in self.parts], [p.copies for p in self.parts]), -1,
                          total_repeat_length=sum(p.copies * p.dim for p in self.parts))  # fmt: skip


def _like(matrix: np.ndarray, x: jax.Array) -> jax.Array:
    return jnp.asarray(matrix, x.dtype)


@lru_cache(maxsize=CACHED)
def layout(fibre: derive.Representation, fixed: bool = False, lengths: bool = False) -> Layout:
    """The layout of a fibre, with fixed subspaces and invariant lengths where they are needed."""
    pieces = [piece for _, piece in fibre.blocks]
    return Layout(
        tuple(_parts(fibre)),
        tuple(_fixed(fibre.group, piece) for piece in pieces) if fixed else (),
        tuple(_form(fibre.group, piece) for piece in pieces) if lengths else (),
    )


def _parts(fibre: derive.Representation) -> Iterator[Part]:
    first = 0
    for copies, piece in fibre.blocks:
        kind, why = _kind(fibre.group, piece)
        yield Part(piece_name(piece), first, copies, piece.dim, kind, why)
        first += copies * piece.dim


def _kind(group: derive.Group, piece: Any) -> tuple[str, str]:
    """What the generators do to a basis, and of the first that mixes it, how."""
    signs = False
    for name in group.algebra:
        if any(factor.moves(name) for factor in piece.factors):
            return MIXED, f"{name!r} turns them into each other"
    for name in group.discrete:
        image = piece.monomial(name)
        if image is None:
            return MIXED, f"{name!r} mixes them"
        if image.order > 2:
            return MIXED, f"{name!r} turns their phases"
        signs |= image.order == 2
    return (SIGNED if signs else PERMUTED), ""


@lru_cache(maxsize=CACHED)
def _fixed(group: derive.Group, piece: Any) -> Fixed:
    """The exact fixed vectors and covectors of a piece, as numbers."""
    V, one = from_blocks(group, [(1, piece)]), derive.trivial(group)
    vectors = _stacked(derive.solve(one, V, bias=False), piece.dim)
    covectors = _stacked(derive.solve(V, one, bias=False), piece.dim)
    pairing = covectors @ vectors.T
    if vectors.shape != covectors.shape or (len(pairing) and abs(np.linalg.det(pairing)) < 1e-9):
        rule = f"must split into what {group.name} fixes and the rest"
        raise FieldError("fibre", rule, piece.name, "use a sum of irreducible pieces")
    return Fixed(Static(vectors.T), Static(np.linalg.solve(pairing, covectors)))


def _stacked(solution: Any, dim: int) -> np.ndarray:
    found = [
        np.array(solution.basis[k].dense(), dtype=np.float64).reshape(dim) for k in range(int(solution.dim))
    ]
    return np.array(found).reshape(len(found), dim)


@lru_cache(maxsize=CACHED)
def _form(group: derive.Group, piece: Any) -> Static | None:
    """The invariant length of a piece: None where it is the usual one."""
    moving = [name for name in group.discrete if piece.monomial(name) is None]
    matrices = {name: np.array(piece.matrix(name), dtype=np.float64) for name in moving}
    algebra = [np.array(piece.matrix(name), dtype=np.float64) for name in group.algebra]
    usual = all(np.allclose(m.T @ m, np.eye(piece.dim)) for m in matrices.values())
    if usual and all(np.allclose(m.T, -m) for m in algebra):
        return None
    if algebra or not group.order <= ELEMENTS:
        rule = f"must have a length that {group.name} keeps, of orthogonal matrices"
        raise FieldError("fibre", rule, piece.name, "write it in an orthonormal basis")
    images = {name: np.array(piece.matrix(name), dtype=np.float64) for name in group.generators}
    every = over_elements(group.elements, images, np.eye(piece.dim), np.matmul)
    return Static(np.mean([m.T @ m for m in every], axis=0))
