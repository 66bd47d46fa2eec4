"""The table features: encode the pictures of new content, keep their vectors, and read them."""
