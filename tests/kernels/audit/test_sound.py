"""Models that keep the whole group: no layer is blamed."""

from __future__ import annotations

import pytest

import kernels as kn
from tests.kernels.audit.sound import SOUND, Sound


@pytest.mark.parametrize("sound", SOUND, ids=[s.name for s in SOUND])
def test_no_false_alarm(sound: Sound) -> None:
    found = kn.audit(sound.make(), sound.x, into=sound.into, out=sound.out)
    assert found.first is None, found
    assert found.passed, found
    assert found.kept == found.generators
    assert found.kept, found


def test_there_are_enough_of_them() -> None:
    assert len(SOUND) >= 30
