"""What a suite hands back, and how it is written: tables and targets as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A titled table; the first column is text, the others are figures."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Target:
    """A figure that was asked for, the figure seen, whether it was reached; if not, what was tried."""

    what: str
    asked: str
    seen: str
    reached: bool
    tried: str = ""


@dataclass(frozen=True)
class Plot:
    """A picture: the file it is kept in, a title, its text in SVG."""

    file: str
    title: str
    svg: str


@dataclass(frozen=True)
class Report:
    """The outcome of one suite; the tables in `first` come before everything else."""

    tables: tuple[Table, ...]
    targets: tuple[Target, ...] = ()
    plots: tuple[Plot, ...] = ()
    first: tuple[Table, ...] = ()


def markdown(reports: Sequence[Report], heading: str) -> str:
    """All of it as one Markdown text: heading, first tables, targets (missed ones first), plots, tables."""
    targets = sorted((t for report in reports for t in report.targets), key=lambda target: target.reached)
    tables = [table for report in reports for table in report.tables]
    pictures = [f"## {p.title}\n\n![{p.title}]({p.file})" for report in reports for p in report.plots]
    before = [show(table) for report in reports for table in report.first]
    asked = [show(_targets(targets))] if targets else []
    return "\n\n".join([heading, *before, *asked, *pictures, *map(show, tables)]) + "\n"


def show(table: Table) -> str:
    """One table.

    >>> print(show(Table("Sums", ("what", "ms"), (("1 + 1", "0.1"),))))
    ## Sums
    <BLANKLINE>
    | what | ms |
    |---|---:|
    | 1 + 1 | 0.1 |
    """
    rule = "|---" + "|---:" * (len(table.header) - 1) + "|"
    lines = [f"## {table.title}", ""] + ([table.note, ""] if table.note else [])
    return "\n".join([*lines, _row(table.header), rule, *map(_row, table.rows)])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _targets(targets: Iterable[Target]) -> Table:
    rows = tuple(
        (t.what, t.asked, t.seen, "yes" if t.reached else "**no**", "" if t.reached else t.tried)
        for t in targets
    )
    return Table("Targets", ("figure", "asked", "seen", "reached", "what was tried"), rows)
