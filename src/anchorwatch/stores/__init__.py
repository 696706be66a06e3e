"""Where things are kept: ledger (SQL), inbox, index, lake (Delta)."""
