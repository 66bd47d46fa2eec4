"""The terminal: options, a command's start and end, progress and summaries."""
