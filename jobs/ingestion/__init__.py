"""From a delivery's files to the listings, the taxonomy and the decisions of people."""
