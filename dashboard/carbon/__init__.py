"""Carbon of electricity: figures in, figures out; nothing here reads the ledger or a clock."""
