"""What an audit found: one row per layer, as text and as HTML."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WIDTH = 100
WIDTHS = (40, 34)


@dataclass(frozen=True)
class AuditedLayer:
    """One layer, judged by itself: its own inputs were moved, whatever earlier layers had done to them.

    `kept`: generators of the subgroup it keeps, such as 'r^2' or 't_u^2': shifts by multiples of two sites of
    the model's input, or of the layer's own where earlier layers have lost them all; `lost`: those it loses
    of what it was given; `errors`: of the group's own generators, relative to the largest entry; `cause`
    and `remedy` are empty where nothing is lost.
    """

    name: str
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    errors: Mapping[str, float]
    cause: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        lost = ", ".join(_lost(self)) or "nothing"
        why = f"; {self.cause}; {self.remedy}" if self.cause else ""
        return f"{self.name}: keeps {_listed(self.kept)}, loses {lost}{why}"


@dataclass(frozen=True, repr=False)
class Audit:
    """Which layer of a model loses which symmetry.

    `layers`: in the order of their calls; `kept`: generators of the subgroup that the model keeps as a whole;
    `uncarried`: generators that the sites of x cannot carry, with the reason.
    """

    group: str
    shape: tuple[int, ...]
    generators: tuple[str, ...]
    layers: tuple[AuditedLayer, ...]
    kept: tuple[str, ...]
    tolerance: float
    uncarried: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> AuditedLayer | None:
        """The first layer that loses something, or None."""
        return next((layer for layer in self.layers if layer.lost), None)

    @property
    def passed(self) -> bool:
        """Whether the model keeps every generator that the sites of x can carry."""
        return self.kept == tuple(g for g in self.generators if g not in self.uncarried)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        rows = [("layer", "keeps", "loses (error)")] + [self._row(layer) for layer in self.layers]
        widths = [min(max(len(row[i]) for row in rows), most) for i, most in enumerate(WIDTHS)]
        lines = [self._head()]
        for row in rows:
            cells = [_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=False)]
            lines.append(_cut("  ".join((*cells, row[2])).rstrip(), WIDTH))
        lines += [
            line for text in self._remarks() for line in textwrap.wrap(text, WIDTH, subsequent_indent="  ")
        ]
        return "\n".join(lines)

    def _head(self) -> str:
        shape = "(" + ", ".join(map(str, self.shape)) + ("," if len(self.shape) == 1 else "") + ")"
        text = f"audit under {self.group}, x {shape}: {_many(self.layers)}"
        text += f", errors up to {self.tolerance:.0e} are rounding"
        return "\n".join(textwrap.wrap(text, WIDTH, subsequent_indent="  "))

    def _row(self, layer: AuditedLayer) -> tuple[str, str, str]:
        all_of_it = [g for g in self.generators if g not in self.uncarried]
        kept = "all" if list(layer.kept) == all_of_it and len(all_of_it) > 1 else _listed(layer.kept)
        return layer.name, kept, ", ".join(_lost(layer))

    def _remarks(self) -> list[str]:
        """Every cause with its remedy, what was not tested, and what the model keeps."""
        found: dict[tuple[str, str], list[str]] = {}
        for layer in self.layers:
            if layer.lost:
                found.setdefault((layer.cause, layer.remedy), []).append(layer.name)
        remarks = [f"{few(names)}: {cause}. Remedy: {remedy}." for (cause, remedy), names in found.items()]
        remarks += [f"{g} was not tested: {why}." for g, why in self.uncarried.items()]
        remarks += list(self.notes)
        return [*remarks, f"the model keeps {_listed(self.kept)}"]

    def _repr_html_(self) -> str:
        rows = [("layer", "keeps", "loses (error)", "cause", "remedy")]
        rows += [(*self._row(layer), layer.cause, layer.remedy) for layer in self.layers]
        head, *body = [_cells(row, "td" if i else "th") for i, row in enumerate(rows)]
        table = f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
        untested = [f"{g} was not tested: {why}." for g, why in self.uncarried.items()]
        rest = [*untested, *self.notes, self._remarks()[-1]]
        return f"<p>{html.escape(self._head())}</p>{table}" + "".join(
            f"<p>{html.escape(t)}</p>" for t in rest
        )


def _many(layers: Sequence[AuditedLayer]) -> str:
    return f"{len(layers)} layer" + ("s" if len(layers) != 1 else "")


def _cells(row: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _lost(layer: AuditedLayer) -> list[str]:
    return [f"{g} ({layer.errors[g]:.1g})" if g in layer.errors else g for g in layer.lost]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
