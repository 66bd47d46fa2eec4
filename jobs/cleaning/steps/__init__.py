"""Pure steps: data frame in, data frame out; no action, no reading, no writing, no clock."""
