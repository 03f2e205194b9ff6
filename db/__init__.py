"""Remembers: schema, ledger, queries."""
