"""The warehouse: its address, the Spark session, and its Delta tables."""
