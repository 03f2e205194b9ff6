"""The gateway: HTTP dialects, keys, and the service behind them."""
