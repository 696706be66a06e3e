"""A window as one mergeable profile."""
