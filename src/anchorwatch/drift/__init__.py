"""How far a window is from its reference: from two profiles to results."""
