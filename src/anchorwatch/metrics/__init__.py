"""How well a model did: from a profile to results."""
