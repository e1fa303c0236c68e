"""One fault is planted in each model: the audit names the layer, what it loses, and why."""

from __future__ import annotations

import pytest

import kernels as kn
from tests.kernels.audit.fault import Fault
from tests.kernels.audit.faults import FAULTS


@pytest.mark.parametrize("fault", [f for _, f in FAULTS], ids=[name for name, _ in FAULTS])
def test_the_fault_is_found(fault: Fault) -> None:
    found = kn.audit(fault.make(), fault.x, into=fault.into, out=fault.out)
    losing = [layer for layer in found.layers if layer.lost]
    assert [fault.layer in layer.name for layer in losing] == [True], found
    assert losing[0] is found.first
    assert ", ".join(losing[0].lost) == fault.lost, found
    assert fault.cause in losing[0].cause, found
    assert losing[0].remedy
    if fault.kept is not None:
        assert ", ".join(losing[0].kept) == fault.kept, found
    assert not found.passed, found


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 40
    assert len({name for name, _ in FAULTS}) == len(FAULTS)
