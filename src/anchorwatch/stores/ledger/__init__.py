"""The ledger: models, windows, incidents, tokens, and where each consumer of the inbox stands."""
