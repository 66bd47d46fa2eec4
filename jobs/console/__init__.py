"""The terminal: options, commands, progress and summaries."""
