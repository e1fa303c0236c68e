"""`derive demo`."""

from __future__ import annotations

import sys

import click

from cli.terminal import is_terminal


@click.command("demo")
@click.option("--quick", is_flag=True, help="Take every fourth pixel of the photograph.")
def command(quick: bool) -> int:
    """Derive the convolution from its symmetry, lower it to JAX, run it on a real photograph, and check it.

    Checked are the derivation, both adjoints, equivariance and the counts of weights.

    \b
    Examples:
      derive demo
      derive demo --quick
    """
    if is_terminal(sys.stdout):
        print("loading JAX and SymPy ...", flush=True)
    from cli.demo import demo  # loads JAX

    return 0 if demo(sys.stdout, quick=quick) else 1
