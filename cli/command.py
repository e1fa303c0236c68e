"""The command line: `derive demo`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if every check passed, 1 if one failed, 2 if it could not start."""
    options = _parser().parse_args(arguments)
    print("loading JAX and SymPy ...", flush=True)
    from cli.demo import demo
    from kernels.errors import KernelError

    try:
        return 0 if demo(sys.stdout, quick=options.quick) else 1
    except KernelError as error:
        print(f"derive: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="derive", description="State the symmetry; get the proof, and the jitted op."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="derive the convolution, run it on a photograph and check everything",
        description="Derive the convolution from its symmetry, lower it to JAX, run it on a real photograph, "
        "and check the derivation, both adjoints, equivariance and the counts of weights.",
    )
    demo.add_argument("--quick", action="store_true", help="take every fourth pixel of the photograph")
    return parser
