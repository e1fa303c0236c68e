"""What a reader sees in a figure, read off its artists: cells with their colours, words with their boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.quiver import Quiver
from matplotlib.text import Text


@dataclass(frozen=True)
class Seen:
    """Cells of one panel: centres (n, 2) with y downwards, colours (n, 3), where a minus or a text stands."""

    centres: np.ndarray
    colours: np.ndarray
    minus: np.ndarray
    texts: list[str]

    @property
    def kinds(self) -> np.ndarray:
        """The number of every cell's colour, -1 for white."""
        _, kinds = np.unique(self.colours.round(6), axis=0, return_inverse=True)
        return np.where((self.colours > 0.999).all(axis=1), -1, kinds.reshape(-1))


def cells(axes: Any) -> Seen:
    """The coloured cells of a panel."""
    found = [c for c in axes.collections if isinstance(c, PolyCollection) and not isinstance(c, Quiver)]
    centres, colours, minus = [], [], []
    for part in found:
        if part.get_gid() == "minus":
            minus += [path.vertices[:4].mean(axis=0) for path in part.get_paths()]
            continue
        faces = part.get_facecolors()
        paths = part.get_paths()
        centres += [path.vertices[:-1].mean(axis=0) for path in paths]
        colours += list(np.resize(faces, (len(paths), 4))[:, :3] if len(faces) == 1 else faces[:, :3])
    at, texts = np.array(centres), [""] * len(centres)
    marked = np.zeros(len(centres), dtype=bool)
    for place in minus:
        marked[np.argmin(np.abs(at - place).sum(axis=1))] = True
    for text in axes.texts:
        k = int(np.argmin(np.abs(at - text.get_position()).sum(axis=1)))
        if np.abs(at[k] - text.get_position()).sum() < 1e-6:
            texts[k] = text.get_text()
            marked[k] |= text.get_text().startswith("-")
    return Seen(at, np.array(colours), marked, texts)


def arrows(axes: Any) -> tuple[np.ndarray, np.ndarray]:
    """The middles and the directions of all arrows, y downwards."""
    found = next(c for c in axes.collections if isinstance(c, Quiver))
    return np.asarray(found.get_offsets()), np.stack([found.U, found.V], axis=1)


Words = tuple[list[str], np.ndarray, np.ndarray]


def words(figure: Any) -> Words:
    """All visible texts, their boxes (x0, y0, x1, y1) in pixels and their sizes in points."""
    FigureCanvasAgg(figure).draw()
    found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and _stands(t)]
    boxes = [t.get_window_extent() for t in found]
    return (
        [t.get_text() for t in found],
        np.array([[b.x0, b.y0, b.x1, b.y1] for b in boxes]).reshape(-1, 4),
        np.array([t.get_fontsize() for t in found]),
    )


def _stands(text: Text) -> bool:
    """Labels of ticks are words only where their axis is shown."""
    axes = text.axes
    if axes is None:
        return text in text.figure.texts
    if text in axes.texts or text in (axes.title, axes._left_title, axes._right_title):
        return True
    return axes.axison and text.get_window_extent().width > 0


def overlaps(found: Words) -> list[tuple[str, str]]:
    """Pairs of words that cover each other."""
    texts, boxes, _ = found
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    meet = np.triu((high - low > 1.0).all(axis=2), 1)
    return [(texts[i], texts[j]) for i, j in np.argwhere(meet)]


def outside(found: Words, figure: Any) -> list[str]:
    """Words that leave the figure."""
    texts, boxes, _ = found
    wide, tall = figure.bbox.width, figure.bbox.height
    bad = (boxes[:, :2] < -0.5).any(axis=1) | (boxes[:, 2] > wide + 0.5) | (boxes[:, 3] > tall + 0.5)
    return [texts[k] for k in np.flatnonzero(bad)]


def titles(figure: Any) -> list[str]:
    """The title of every panel, on one line."""
    return [" ".join(axes.get_title(loc="left").split()) for axes in figure.axes]
