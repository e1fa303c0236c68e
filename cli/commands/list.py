"""`derive list`."""

from __future__ import annotations

import json
from typing import TextIO

import click

from cli.listing import as_text, chosen
from cli.page.groups import groups_page
from cli.terminal import progress


@click.command("list")
@click.argument("words", nargs=-1)
@click.option("--html", "as_html", is_flag=True, help="Print one HTML page with pictures of the patterns.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: section, word and line of each.")
@click.option(
    "-o", "--output", type=click.File("w", encoding="utf-8", lazy=False), default="-", help="A file."
)
def command(words: tuple[str, ...], as_html: bool, as_json: bool, output: TextIO) -> int:
    """The symmetries that have a word, each with a line and a picture: how it ties a 3 x 3 kernel.

    Equal letters are equal weights; groups without a plane show their generators.

    \b
    Examples:
      derive list
      derive list p4m p6m
      derive list wallpaper --html -o groups.html
    """
    listed = chosen(words)
    if as_json:
        data = [{"section": e.section, "word": e.word, "line": e.line} for e in listed]
        click.echo(json.dumps(data, indent=2), file=output)
        return 0
    with progress("drawing"):
        shown = groups_page(listed) if as_html else "\n".join(as_text(listed)).rstrip()
    click.echo(shown, file=output)
    return 0
