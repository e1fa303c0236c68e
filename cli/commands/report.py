"""`derive report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.answer import checked
from cli.commands.options import asked, stated
from cli.page.report import report
from cli.question import ask
from cli.terminal import progress


@click.command("report")
@stated
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="The page, for example report.html; - prints it."
)
def command(output: str, **given: Any) -> int:
    """One self-contained page: the question, the derivation, pictures, counts, the certificate and the code.

    The page has no scripts and fetches nothing; its formulas are MathML, its pictures SVG. It reads well on a
    phone, on paper, in light and in dark.

    \b
    Examples:
      derive report --symmetry p4m --in "3 trivial" --out "16 regular" --kernel 5 -o report.html
      derive report -s p6m --out V -k "hexagon 1" -o gradient.html
      derive report -s S5 --in "V^2" --out "V^2" -o graphs.html

    Exit status: 0 if the certificate and every step hold, 1 if not, 2 for bad input.
    """
    with progress("solving"):
        question = ask(asked(given))
    if output != "-":
        _require_writable(Path(output))
    with progress("proving"):
        checks = checked(question.solution, steps=True)
    with progress("drawing"):
        text = report(question, checks)
    if output == "-":
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text, encoding="utf-8")
    return 0 if checks.hold else 1


def _require_writable(path: Path) -> None:
    """Refuse what cannot be written before the work, and leave nothing behind."""
    there = path.exists()
    with path.open("a", encoding="utf-8"):
        pass
    if not there:
        path.unlink()
