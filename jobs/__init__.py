"""The commands, one a file, and behind them their rooms: see docs/architecture.md."""
