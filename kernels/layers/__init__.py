"""Layers for Equinox (`kernels.layers.equinox`) and Flax NNX (`kernels.layers.flax`) on one core."""
