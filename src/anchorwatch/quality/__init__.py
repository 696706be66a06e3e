"""Whether the data is sound: from profiles to results."""
