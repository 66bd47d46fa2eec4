"""Fetches pictures from web servers and keeps them, so that no other command waits for a server."""
