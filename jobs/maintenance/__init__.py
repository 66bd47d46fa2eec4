"""Keeps a warehouse small and fast: what is still needed, and the removal of the rest."""
