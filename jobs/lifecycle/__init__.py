"""A run from start to end: context and record, lock, pins, publication."""
