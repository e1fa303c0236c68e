"""What an op is made of: frozen data, equal and hashed by content, with one hash in every process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from kernels.pickling import Fields


class Content(Fields):
    """A frozen dataclass that is equal to another of its fields, and is hashed by them.

    Both are read off a digest, taken once: comparing costs the same however much there is, and the hash is
    the same in every process, which Python's own hash of a string is not.
    """

    @cached_property
    def _compared(self) -> tuple[Any, ...]:
        return tuple(getattr(self, f.name) for f in fields(self) if f.compare)  # type: ignore[arg-type]

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that stand for the content."""
        parts = _parts((type(self).__name__, *self._compared))
        return blake2b(b"".join(parts), digest_size=16).digest()

    def __hash__(self) -> int:
        return int.from_bytes(self.digest[:8], "big", signed=True)

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is type(self) and self.digest == other.digest)


@dataclass(frozen=True, eq=False)
class Static(Content):
    """A NumPy array that can be a static argument."""

    array: np.ndarray

    @cached_property
    def index(self) -> np.ndarray:
        """The array as indices of 32 bits: JAX mixes up longer ones where its 64-bit mode is switched."""
        return self.array.astype(np.int32, copy=False)

    @cached_property
    def _compared(self) -> tuple[Any, ...]:
        return self.array.shape, self.array.dtype.str, self.array.tobytes()


def _parts(value: Any) -> Iterator[bytes]:
    """The content of a value, every part with its kind and length, so that no two values read alike."""
    if isinstance(value, Content):
        yield b"d" + value.digest
    elif isinstance(value, bytes):
        yield b"b%d:" % len(value) + value
    elif isinstance(value, tuple):
        yield b"t%d:" % len(value)
        for part in value:
            yield from _parts(part)
    elif isinstance(value, dict):
        yield from _parts(tuple(value.items()))
    elif is_dataclass(value):
        yield from _parts((type(value).__name__, *(getattr(value, f.name) for f in fields(value))))
    elif value is None or isinstance(value, bool | int | float | str | Fraction | np.dtype | np.generic):
        text = repr(value.item() if isinstance(value, np.generic) else value).encode()
        yield b"s%d:" % len(text) + text
    else:
        raise TypeError(f"no digest of {type(value).__name__}")
