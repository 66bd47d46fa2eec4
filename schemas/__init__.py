"""What every table, tensor, reason and metric looks like: declarations only, no behaviour."""
