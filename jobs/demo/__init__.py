"""The demo catalogue: a generator of listings with known truth."""
