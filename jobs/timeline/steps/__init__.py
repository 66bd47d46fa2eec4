"""Pure steps: what changed between states."""
