"""A generated catalogue with known truth: for the demo, tests and benchmarks; no part of cleaning needs it."""
