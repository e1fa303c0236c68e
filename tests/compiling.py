"""How much work XLA puts into the programs of the suite: thousands are compiled, and most run once."""

from __future__ import annotations

from importlib.metadata import version

# XLA's flags are no public interface, and one that it does not know ends the process.
KNOWN = version("jaxlib").startswith("0.10.")

# A fifth of the time: no optimization, the plainer of two code generators, all code in one piece.
_BRIEF = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
_DEFAULT = {
    "xla_backend_optimization_level": 3,
    "xla_cpu_use_fusion_emitters": True,
    "xla_cpu_parallel_codegen_split_count": 32,
}

# The brief way, for the environment variable XLA_FLAGS.
BRIEF = " ".join(f"--{name}={str(value).lower()}" for name, value in _BRIEF.items()) if KNOWN else ""

# `jax.jit(f, compiler_options=DEFAULT)`: a program as it is compiled outside of the suite.
DEFAULT = _DEFAULT if KNOWN else None
