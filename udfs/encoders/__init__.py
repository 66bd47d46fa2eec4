"""Frozen encoders: pretrained networks that turn a picture into a vector and are never trained here."""
