"""The commands, one module each, and the packages behind them: see docs/architecture.md."""
