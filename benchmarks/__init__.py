"""Figures of what the program costs: `python -m benchmarks.<name> [--json]`. See `docs/benchmarks.md`."""
