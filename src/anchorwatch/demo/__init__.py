"""NYC flights of 2013, replayed as if they happened now."""
