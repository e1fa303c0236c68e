"""Colours are told apart by colour-blind readers and by a grey printer, at stated distances."""

from __future__ import annotations

import numpy as np
import pytest

from derive.drawing.colours import INK, WHITE, class_colours, ink_on, luminance, signed_colours

# Severe colour blindness (Machado, Oliveira, Fernandes 2009), acting on linear light.
SEEN = {
    "everyone": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
    "grey print": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
every_eye = pytest.mark.parametrize("eye", SEEN)


def lab(colours: np.ndarray, eye: str) -> np.ndarray:
    """CIELAB as one eye sees it: a distance of 2.3 can just be noticed side by side."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ SEEN[eye].T, 0, 1) @ TO_XYZ.T / TO_XYZ.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def least_distance(colours: np.ndarray, eye: str) -> float:
    seen = lab(colours, eye)
    gaps = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    return float(gaps[np.triu_indices(len(gaps), 1)].min())


@every_eye
@pytest.mark.parametrize(("classes", "least"), [(3, 16.0), (9, 7.0), (15, 4.0)])
def test_classes_are_told_apart_from_each_other_and_from_zero(eye: str, classes: int, least: float) -> None:
    colours = np.concatenate([class_colours(classes), [WHITE]])
    assert least_distance(colours, eye) >= least


def test_as_many_colours_as_classes_and_neighbours_far_apart() -> None:
    for n in (1, 2, 3, 9, 25, 64, 256):
        assert len(np.unique(class_colours(n), axis=0)) == n
    steps = np.linalg.norm(np.diff(lab(class_colours(9), "everyone"), axis=0), axis=1)
    assert steps.min() >= 25


@every_eye
def test_signed_numbers_are_told_apart(eye: str) -> None:
    """In grey the signs look alike, and a minus tells them apart; sizes differ everywhere."""
    values = np.array([-1.0, 0.0, 1.0]) if eye != "grey print" else np.array([0.0, 0.5, 1.0])
    assert least_distance(signed_colours(values), eye) >= 15


def test_signed_colours_are_symmetric_about_white() -> None:
    assert signed_colours(np.array([0.0, -5.0, 5.0])).tolist() == [
        [1.0, 1.0, 1.0],
        signed_colours(np.array([-1.0]))[0].tolist(),
        signed_colours(np.array([1.0]))[0].tolist(),
    ]


def test_letters_stand_out_from_their_cells() -> None:
    shades = np.concatenate([class_colours(64), signed_colours(np.linspace(-1, 1, 41))])
    for shade in shades:
        light, dark = sorted((luminance(shade), luminance(ink_on(shade))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3.9
    assert ink_on(WHITE) == INK
