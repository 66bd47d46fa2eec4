"""Pure steps: DataFrame in, DataFrame out; no session, no clock, no I/O."""
