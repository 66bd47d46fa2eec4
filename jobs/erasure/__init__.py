"""Erases listings and sellers: what names them, where it is, and how it is removed for good."""
