"""Command line: options, commands, progress and summaries."""
