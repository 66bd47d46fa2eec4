"""Pure steps: which pictures to encode, where to read them, and which vectors are no longer needed."""
