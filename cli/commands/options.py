"""The options that state a question, the same for every command that solves one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from cli.question import Asked

SYMMETRY = click.option(
    "-s",
    "--symmetry",
    required=True,
    metavar="WORDS",
    help="p4m, 'translations in 1-D', 'D4 on 8x8', 'O in 3-D', S5, 'SO(3)', 'S5 x S3'; see 'derive list'.",
)
STATED = (
    SYMMETRY,
    click.option(
        "--in",
        "into",
        metavar="WORDS",
        help="Channels of the input: '3 trivial', '2 trivial + sign', '4 regular', V, 'V^2', 'irreps[3]', "
        "'quotient r^2', 'C trivial'. One trivial channel unless given; V where there is no lattice.",
    ),
    click.option("--out", metavar="WORDS", help="Channels of the output, in the same words."),
    click.option(
        "-k",
        "--kernel",
        metavar="SIZE",
        help="Which sites a weight joins: 5, 5x3, 'hexagon 2', 'ball 3/2', 'radius r', all.",
    ),
    click.option("--dilation", metavar="N", help="Steps between the taps of a kernel: 2, 2x1."),
    click.option("--stride", metavar="N", help="Steps between the sites of the output: 2, 2x1."),
    click.option("--upsample", metavar="N", help="Steps between the sites of the input: a transposed layer."),
    click.option(
        "--lattice",
        metavar="WORDS",
        help="infinite, 'periodic 32x32', 'window 28x28' (zeros beyond it), 'periodic HxW', hexagonal, "
        "8x8 (a grid that turns about its centre, for D4 and its like).",
    ),
    click.option("--no-bias", is_flag=True, help="Solve for linear maps without a bias."),
    click.option(
        "--border",
        type=click.Choice(["zero", "circular", "reflect", "valid"]),
        help="What the code puts beyond an image, where the lattice has no end.",
    ),
    click.option(
        "--size", "sizes", multiple=True, metavar="NAME=N", help="A number for a name, for the code."
    ),
)


def stated(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that state a question."""
    for option in reversed(STATED):
        command = option(command)
    return command


def asked(given: dict[str, Any]) -> Asked:
    """The question, from what click has read."""
    return Asked(bias=not given.pop("no_bias"), sizes=tuple(given.pop("sizes")), **given)
