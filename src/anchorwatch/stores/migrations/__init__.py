"""How the ledger came to its form, one step per file."""
