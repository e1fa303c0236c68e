"""`derive audit`."""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from cli.commands.options import SYMMETRY
from cli.question import Asked, Question, ask
from cli.terminal import progress
from cli.words import sizes
from cli.words.scanner import Scanner, WordError, suggestion
from cli.words.symmetry import symmetry

SCHEMA = "equiderive/audit/1"
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
@click.option("--no-sites", is_flag=True, help="The output has channels alone, as after global pooling.")
@click.option("--channels-first", is_flag=True, help="The model takes (batch, channels, sites).")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random sample.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def command(
    target: str,
    shape: str | None,
    no_sites: bool,
    channels_first: bool,
    seed: int,
    as_json: bool,
    **given: Any,
) -> int:
    """Which layer of a model loses which symmetry, and why.

    MODULE:NAME is a model in a module that can be imported from here: an Equinox or Flax NNX module, or a
    function of an array (batch, sites, channels). MODULE:NAME() calls it first.

    \b
    Examples:
      derive audit mynet:model --symmetry p4m --in "3 trivial" --shape 32x32
      derive audit mynet.models:make() -s p4 --out "10 trivial" --no-sites --lattice "periodic 16x16"
      derive audit mynet:layer -s "translations in 1-D" --shape 64

    Exit status: 0 if no layer loses anything, 1 if one does, 2 for bad input.
    """
    with progress("loading"):
        question = ask(_asked(given))
        model = load(target)
        sample = _sample(question, shape, seed, channels_first)
    out = question.y.fibre if no_sites else question.y
    with progress("auditing"):
        found = _audit(model, sample, question.x, None if given["out"] is None and not no_sites else out)
    click.echo(json.dumps(_data(found), indent=2) if as_json else str(found))
    return 0 if found.first is None else 1


def _asked(given: dict[str, Any]) -> Asked:
    """Fields on a lattice: a point group without one has the infinite lattice, as images have."""
    named = symmetry(given["symmetry"])
    if named.kind == "abstract":
        raise named.fail(f"{named.name} moves no lattice", "audit under p4m, 'translations in 1-D' or D4")
    lattice = given["lattice"] if given["lattice"] is not None or named.on else "infinite"
    return Asked(**{**given, "lattice": lattice}, bias=False)


def _audit(model: Any, sample: Any, into: Any, out: Any) -> Any:
    kernels: Any = import_module("kernels")  # loads JAX, which takes seconds
    return kernels.audit(model, sample, into=into, **({} if out is None else {"out": out}))


def _data(found: Any) -> dict[str, Any]:
    """The audit as plain lists and texts."""
    return {
        "schema": SCHEMA,
        "kept": list(found.kept),
        "first": None if found.first is None else found.first.name,
        "layers": [
            {
                "name": layer.name,
                "kept": list(layer.kept),
                "lost": list(layer.lost),
                "errors": {g: float(e) for g, e in layer.errors.items()},
                "cause": layer.cause,
                "remedy": layer.remedy,
            }
            for layer in found.layers
        ],
    }


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
    except Exception as error:  # whatever a module does when it is imported
        raise s.fail(
            f"{module} cannot be imported: {_said(error)}", "mend it, or run derive elsewhere", 0
        ) from error
    finally:
        sys.path.pop(0)
    for name in names.split("."):
        if name not in dir(found):
            near = suggestion(name, [n for n in dir(found) if not n.startswith("_")], TARGET)
            raise s.fail(f"{module} has no {name!r}", near, at)
        found = getattr(found, name)
    if called:
        try:
            found = found()
        except Exception as error:  # whatever the function does
            raise s.fail(f"{names}() failed: {_said(error)}", "mend it", at) from error
    if not callable(found):
        raise s.fail(f"{names} is no model: {type(found).__name__} cannot be called", TARGET, at)
    return found


def _said(error: Exception) -> str:
    """An error of someone else's code on one line, with the place."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}{'' if isinstance(error, SyntaxError | ImportError) else where}"


def _sample(question: Question, shape: str | None, seed: int, channels_first: bool) -> Any:
    """Random numbers of the shape (batch, sites, channels)."""
    import jax  # takes a second

    field = question.x
    if field.channels.free_symbols:
        rule, remedy = "needs numbers to run a model", "write '3 trivial'"
        raise WordError("--in", question.asked.into or "", 0, rule, remedy)
    channels, grid = int(field.channels), _grid(field, shape)
    axes = (channels, *grid) if channels_first else (*grid, channels)
    return jax.random.normal(jax.random.key(seed), (BATCH, *axes))


def _grid(field: Any, shape: str | None) -> tuple[int, ...]:
    """The sites of the sample: what was said, or what the lattice has."""
    if shape is not None:
        found, s = sizes.sizes(shape, "--shape", "write 16x16")
        return found.along(field.lattice.dim, s, "size")
    if any(n is not None and not n.is_Integer for n in field.lattice.grid):
        raise WordError("--lattice", str(field.lattice.grid), 0, "has named sizes", "give --shape 16x16")
    return tuple(SIDE if n is None else int(n) for n in field.lattice.grid)
