"""Generates catalogues with known truth for the demo, the tests and the benchmarks; cleaning does not use it."""
