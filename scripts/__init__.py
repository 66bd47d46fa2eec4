"""The repository's own tools: the set-up and the tables' documentation. Nothing of the product imports them."""
