"""Colours that colour-blind readers and grey printers tell apart, as plain numbers.

Classes take evenly spaced colours of viridis, whose lightness rises steadily; signed numbers run from
blue over white to vermillion, of Okabe and Ito's palette.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RGB = tuple[float, float, float]

BLUE, VERMILLION, SKY = (0.0, 0.447, 0.698), (0.835, 0.369, 0.0), (0.337, 0.706, 0.914)
INK, GREY, PALE, WHITE = (0.11, 0.11, 0.11), (0.36, 0.36, 0.36), (0.9, 0.9, 0.9), (1.0, 1.0, 1.0)
GOLDEN = 0.6180339887498949
STRIPES = 32  # classes from which multiples of the golden ratio would show stripes of their own
# Eleven even steps along viridis (Smith and van der Walt 2015), the lightest left out: it is near white.
_STEPS = "440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26"
_VIRIDIS = np.array([[int(h[i : i + 2], 16) / 255 for i in (0, 2, 4)] for h in _STEPS.split()])


def class_colours(n: int) -> np.ndarray:
    """(n, 3): one colour for each of n classes, neighbours far apart; of many classes, at random.

    >>> class_colours(2).round(2).tolist()
    [[0.27, 0.0, 0.33], [0.74, 0.87, 0.15]]
    """
    many = n > STRIPES
    order = (
        np.random.default_rng(0).permutation(n) if many else np.argsort(np.argsort(np.arange(n) * GOLDEN % 1))
    )
    return _along(_VIRIDIS, order / max(n - 1, 1))


def signed_colours(values: np.ndarray) -> np.ndarray:
    """(..., 3): blue at -1, white at 0, vermillion at 1."""
    return _along(np.array([BLUE, WHITE, VERMILLION]), (np.clip(values, -1, 1) + 1) / 2)


def _along(stops: np.ndarray, where: np.ndarray) -> np.ndarray:
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(where, places, stops[:, j]) for j in range(3)], axis=-1)


def luminance(colour: Sequence[float]) -> float:
    """The relative luminance of an sRGB colour, 0 for black and 1 for white (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink_on(colour: Sequence[float]) -> RGB:
    """Black or white, whichever stands out more on a colour."""
    return INK if luminance(colour) > 0.19 else WHITE


def hexed(colour: Sequence[float]) -> str:
    """A colour as #rrggbb.

    >>> hexed((0.0, 0.447, 0.698))
    '#0072b2'
    """
    return "#" + "".join(f"{round(255 * c):02x}" for c in colour[:3])
