"""The mains, one a file, and the steps that they are made of."""
