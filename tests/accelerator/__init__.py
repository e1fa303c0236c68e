"""The case lists of `tests/kernels` on whatever `jax.default_backend()` is: `make test-accelerator`."""
