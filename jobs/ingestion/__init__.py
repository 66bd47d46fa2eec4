"""Loads files of listings, taxonomies and review decisions into the warehouse."""
