"""`derive list --html`: every symmetry on a card with its picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from cli.listing import Entry
from cli.page.html import contents, figures, page, paragraph, section

LEGEND = (
    "The patterns show one flag moved by every element, mirrored copies in vermillion; beside them the "
    "kernel of the nearest sites that the group ties, equal letters being equal weights. Groups without a "
    "plane show the matrices of their generators: vermillion is positive, blue with a minus is negative."
)


def groups_page(listed: Sequence[Entry]) -> str:
    """One page."""
    names = {entry.section: entry.section.replace(" ", "-") for entry in listed}
    titles = {name: title.capitalize() if title != "Lie groups" else title for title, name in names.items()}
    parts = [paragraph(LEGEND)]
    for title, some in groupby(listed, key=lambda entry: entry.section):
        cards = "".join(map(_card, some))
        name = names[title]
        parts.append(section(name, titles[name], f'<ul class="cards">{cards}</ul>'))
    return page(
        "Symmetries that have a word", contents(titles), "\n".join(parts), "Made by derive list --html."
    )


def _card(entry: Entry) -> str:
    pictures = figures([f"<figure>{picture}</figure>" for picture in entry.pictures()])
    return f"<li><h3>{escape(entry.word)}</h3>{paragraph(entry.line)}{pictures}</li>"
