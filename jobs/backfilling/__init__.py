"""Judges past content: the catalogue as it was on earlier dates."""
