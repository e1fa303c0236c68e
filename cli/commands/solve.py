"""`derive solve`."""

from __future__ import annotations

import json
from typing import Any

import click

from cli.answer import Checks, checked, described
from cli.commands.options import asked, stated
from cli.machine import as_data
from cli.question import ask
from cli.script import script
from cli.terminal import progress


@click.command("solve")
@stated
@click.option("--steps", is_flag=True, help="Print the derivation too, and check every step.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines (docs/command_line.md).")
@click.option("--jax", "as_code", is_flag=True, help="Print nothing but Python that uses the answer.")
def command(steps: bool, as_json: bool, as_code: bool, **given: Any) -> int:
    """Every linear map T with T(g x) = g T(x) for all motions g: constraint, tying, counts, certificate.

    \b
    Examples:
      derive solve --symmetry p4m --in "3 trivial" --out "16 regular" --kernel 5
      derive solve -s translations --in "C trivial" --out "D trivial" -k "radius r" --steps
      derive solve -s p6m --out V --kernel "hexagon 2" --lattice "hexagonal periodic 12x12"
      derive solve -s "translations in 1-D" --in 16 --out 32 -k 4 --stride 2 --jax > layer.py
      derive solve -s S5 --in "V^2" --out "V^2" --json
      derive solve -s "SO(3)" --in "V^2" --out "sym(V, 2) + alt(V, 2)"
      derive solve -s "D4 on 8x8" --in "quotient r^2" --out "2 trivial + sign"

    Exit status: 0 if the certificate (and, with --steps, every step) holds, 1 if not, 2 for bad input.
    """
    if as_json and as_code:
        raise click.UsageError("--json and --jax exclude each other; JSON holds the code too")
    with progress("solving"):
        question = ask(asked(given))
    if as_code:
        click.echo(script(question))
        return 0
    with progress("proving"):
        checks: Checks = checked(question.solution, steps)
        shown = json.dumps(as_data(question, checks, steps), indent=2) if as_json else None
        text = described(question, checks, steps) if shown is None else shown
    click.echo(text)
    return 0 if checks.hold else 1
