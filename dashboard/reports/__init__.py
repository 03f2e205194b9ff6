"""Exports of the ledger: requests, usage and FOCUS costs, as CSV and Parquet."""
