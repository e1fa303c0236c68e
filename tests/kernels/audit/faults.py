"""Models with one planted fault each: the layer, what it loses and the cause are known."""

from __future__ import annotations

from tests.kernels.audit.faults_equinox import EQUINOX
from tests.kernels.audit.faults_flax import FLAX
from tests.kernels.audit.faults_functions import FUNCTIONS

ROOMS = {"equinox": EQUINOX, "flax": FLAX, "function": FUNCTIONS}
FAULTS = [(f"{room}: {f.name}", f) for room, faults in ROOMS.items() for f in faults]
