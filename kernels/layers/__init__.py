"""Layers for Equinox (`kernels.layers.equinox`) and Flax NNX (`kernels.layers.flax`) on one core.

The one room of this package that imports `derive`, since its layers solve for their weights; nothing else
here imports it.
"""

from kernels.namesakes import require_ours

require_ours()
