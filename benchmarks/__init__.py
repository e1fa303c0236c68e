"""Measurements of this library, as Markdown tables: `python -m benchmarks [--quick] [--write]`."""
