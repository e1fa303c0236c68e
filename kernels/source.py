"""Ops as text: a few lines of JAX that run where this library is not installed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from kernels.errors import ShapeError

LIMIT = 20_000  # numbers of the tables that are written out
WIDTH = 100
LONG = 12  # numbers from which on a table that is a range or of one number is said to be so

BLOCK = '''
def block(w, place, weight, value, shape):
    """The weights of one pair of blocks, (k, copies in, copies out), at the places that they stand at."""
    sites, points_in, points_out = shape
    flat = jnp.zeros((sites * points_in * points_out, *w.shape[1:]), w.dtype)
    flat = flat.at[place].add(jnp.asarray(value, w.dtype)[:, None, None] * w[weight])
    full = flat.reshape(*shape, *w.shape[1:]).transpose(0, 3, 1, 4, 2)
    return full.reshape(sites, w.shape[1] * points_in, w.shape[2] * points_out)
'''


class Tables:
    """The tables of a text, each written once; more numbers than `limit` are refused."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines: list[str] = []
        self._numbers = 0
        self._known: dict[Any, str] = {}

    def name(self, prefix: str, array: np.ndarray) -> str:
        """The name of a table with these entries."""
        key = (prefix, array.shape, array.dtype.str, array.tobytes())
        if key not in self._known:
            self.check(array.size)
            self._numbers += array.size
            self._known[key] = f"{prefix}_{len([k for k in self._known if k[0] == prefix])}"
            self.lines.append(written(self._known[key], array))
        return self._known[key]

    def check(self, numbers: int) -> None:
        """Refuse if so many numbers more are too many."""
        if self._numbers + numbers > self.limit:
            raise ShapeError(
                "source",
                f"must hold at most {self.limit:,} numbers in its tables",
                f"{self._numbers + numbers:,} or more",
                "raise limit, or use op.export: calling an artifact needs no library either",
            )


def written(name: str, array: np.ndarray) -> str:
    """A line, or some, that assign a table to a name.

    >>> print(written("A", np.array([[0, 1], [2, 0]])))
    A = np.array([0, 1, 2, 0]).reshape(2, 2)
    """
    flat = array.reshape(-1)
    shape = "" if array.ndim == 1 else f".reshape({', '.join(map(str, array.shape))})"
    if flat.size > LONG and (flat == flat[0]).all():
        return f"{name} = np.full({array.shape}, {number(flat[0])})"
    if flat.size > LONG and flat.dtype.kind == "i" and (flat == flat[0] + np.arange(flat.size)).all():
        return f"{name} = np.arange({flat[0]}, {flat[0] + flat.size}){shape}"
    text = f"{name} = np.array([{', '.join(map(number, flat))}]"
    text += ", float)" if flat.dtype.kind == "f" and (flat % 1 == 0).all() else ")"
    return "\n".join(textwrap.wrap(text + shape, WIDTH, subsequent_indent="    ", break_long_words=False))


def number(value: Any) -> str:
    """A number that reads back as it is; whole ones without a point."""
    plain = value.item() if isinstance(value, np.generic) else value
    return str(int(plain)) if float(plain).is_integer() else repr(plain)


def blocks_text(
    tables: Tables, blocks: Sequence[Any], sites: int, channels: Sequence[int], w: str
) -> list[str]:
    """Statements that put the weights of blocks into `full`, (sites, C_in, C_out)."""
    parts = [w] if len(blocks) == 1 else [f"{w}[{k}]" for k in range(len(blocks))]
    dtype = f"{parts[0]}.dtype" if parts else "float"
    lines = [f"full = jnp.zeros(({sites}, {channels[0]}, {channels[1]}), {dtype})"]
    for part, b in zip(parts, blocks, strict=True):
        weight, site, row, column, value = (static.array for static in b[-5:])
        if not weight.size:
            continue
        place = (site * b.dim_in + column) * b.dim_out + row
        named = [tables.name(n, a) for n, a in (("PLACE", place), ("WEIGHT", weight), ("VALUE", value))]
        call = f"block({part}, {', '.join(named)}, ({sites}, {b.dim_in}, {b.dim_out}))"
        rows = f"{b.first_in}:{b.first_in + b.copies_in * b.dim_in}"
        columns = f"{b.first_out}:{b.first_out + b.copies_out * b.dim_out}"
        lines.append(f"full = full.at[:, {rows}, {columns}].set({call})")
    return lines


def function(head: str, says: str, lines: Sequence[str]) -> str:
    """A function of these statements."""
    return f'def {head}:\n    """{says}"""\n' + textwrap.indent("\n".join(lines), "    ")


def shapes_text(shapes: Sequence[tuple[int, ...]]) -> str:
    """The shapes of weights, as `init` gives them."""
    return str(shapes[0] if len(shapes) == 1 else tuple(shapes))


def layer_says(op: Any, into: Sequence[Any], out: Sequence[Any]) -> str:
    """The docstring of a layer: the shapes of what it takes and gives."""
    shapes = [f"({', '.join(map(str, shape))})" for shape in (into, out)]
    bias = f", b {shapes_text(op.bias_shapes)}" if op.bias_dim else ""
    return f"w {shapes_text(op.weight_shapes)}, x {shapes[0]}{bias} -> {shapes[1]}."


def joined(title: str, tables: Tables, functions: Sequence[str], precision: str | None = None) -> str:
    """The whole text: what it is, imports, tables, functions."""
    body = "\n\n\n".join(text.strip("\n") for text in functions) + "\n"
    if precision is not None:
        body = body.replace("def layer(", f'@jax.default_matmul_precision("{precision}")\ndef layer(')
    used = [line for line in IMPORTS if re.search(rf"\b{line.split()[-1]}\.", body + "".join(tables.lines))]
    parts = [f'"""{title}"""', "\n".join(used), "\n".join(tables.lines)]
    return "\n\n".join(filter(None, parts)) + "\n\n\n" + body


IMPORTS = (
    "import math",
    "import jax",
    "import jax.numpy as jnp",
    "import numpy as np",
    "from jax import lax",
)
