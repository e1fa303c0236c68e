"""Arrays as static data: what an op is made of, equal and hashed by content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kernels.pickling import Fields


@dataclass(frozen=True, eq=False)
class Static(Fields):
    """A NumPy array that can be a static argument: equal and hashed by content."""

    array: np.ndarray

    @cached_property
    def index(self) -> np.ndarray:
        """The array as indices of 32 bits: JAX mixes up longer ones where its 64-bit mode is switched."""
        return self.array.astype(np.int32, copy=False)

    @cached_property
    def _content(self) -> tuple[Any, ...]:
        return self.array.shape, self.array.dtype.str, self.array.tobytes()

    @cached_property
    def _hash(self) -> int:
        return hash(self._content)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Static) and self._content == other._content)
