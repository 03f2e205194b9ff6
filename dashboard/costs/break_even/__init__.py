"""When self-hosting pays: closed formulas, their uncertainty, and the ledger's own trend."""
