"""`derive audit`."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

import derive as dv
from cli.commands.options import SYMMETRY
from cli.question import Asked, Question, ask
from cli.terminal import progress
from cli.words import sizes
from cli.words.scanner import Scanner, WordError, suggestion

SIDE = 16  # sites along an axis of the sample where nothing says how many
BATCH = 2
TARGET = "write package.module:model, or package.module:make() for a function that makes one"


@click.command("audit")
@click.argument("target", metavar="MODULE:NAME")
@SYMMETRY
@click.option("--in", "into", metavar="WORDS", help="Channels of the input, as in 'derive solve'.")
@click.option("--out", metavar="WORDS", help="Channels of the output, where the model does not say itself.")
@click.option("--lattice", metavar="WORDS", help="'periodic 16x16', or infinite (zeros or whatever beyond).")
@click.option("--shape", metavar="SIZES", help="Sites of the sample that is run: 16x16.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random sample.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def command(target: str, shape: str | None, seed: int, as_json: bool, **given: Any) -> int:
    """Which layer of a model loses which symmetry, and why.

    MODULE:NAME is a model in a module that can be imported from here: an Equinox or Flax NNX module, or a function
    of an array (batch, sites, channels). MODULE:NAME() calls it first.

    \b
    Examples:
      derive audit mynet:model --symmetry p4m --in "3 trivial" --shape 32x32
      derive audit mynet.models:make() -s p4 --out "10 trivial" --lattice "periodic 16x16"
      derive audit mynet:layer -s "translations in 1-D" --shape 64

    Exit status: 0 if no layer loses anything, 1 if one does, 2 for bad input.
    """
    with progress("loading"):
        question = ask(Asked(bias=False, kernel=_kernel(given), **given))
        model = load(target)
        sample = _sample(question, shape, seed)
    import kernels as kn  # loads JAX

    named = {} if given["out"] is None else {"out": question.y}
    with progress("auditing"):
        found = kn.audit(model, sample, into=question.x, **named)
    click.echo(json.dumps(_data(found), indent=2) if as_json else str(found))
    return 0 if found.first is None else 1


def _kernel(given: dict[str, Any]) -> str | None:
    """A kernel makes a point group act on a lattice, as it does in an image."""
    return None if given["lattice"] else "1"


def load(target: str) -> Any:
    """The model that MODULE:NAME or MODULE:NAME() names.

    >>> load("math:sqrt")(9.0)
    3.0
    """
    s = Scanner("MODULE:NAME", target)
    module = s.expect(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*", "the name of a module", TARGET)[0]
    s.expect(":", "':'", TARGET)
    at = s.at
    names = s.expect(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*", "the name of a model", TARGET)[0]
    called = s.take(r"\(\s*\)") is not None
    s.finish(TARGET)
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        rule = f"there is no module {error.name!r}"
        raise s.fail(rule, "run derive where it can be imported, or install it", 0) from error
    finally:
        sys.path.pop(0)
    for name in names.split("."):
        if name not in dir(found):
            near = suggestion(name, [n for n in dir(found) if not n.startswith("_")], TARGET)
            raise s.fail(f"{module} has no {name!r}", near, at)
        found = getattr(found, name)
    found = found() if called else found
    if not callable(found):
        raise s.fail(f"{names} is no model: {type(found).__name__} cannot be called", TARGET, at)
    return found


def _sample(question: Question, shape: str | None, seed: int) -> Any:
    """Random numbers of the shape (batch, sites, channels)."""
    import jax  # takes a second

    field = question.x
    channels = field.channels if isinstance(field, dv.Field) else dv.Field.channels
    if getattr(channels, "free_symbols", None):
        raise WordError("--in", question.asked.into or "", 0, "needs numbers to run a model", "write '3 trivial'")
    grid = _grid(field, shape)
    return jax.random.normal(jax.random.key(seed), (BATCH, *grid, int(channels)))


def _grid(field: Any, shape: str | None) -> tuple[int, ...]:
    lattice = field.lattice
    if shape is not None:
        found, s = sizes.sizes(shape, "--shape", "write 16x16")
        return found.along(lattice.dim, s, "size")
    return tuple(SIDE if n is None else int(n) for n in lattice.grid)
