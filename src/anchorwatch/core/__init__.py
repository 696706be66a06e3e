"""The nouns and the rules of the house. Imports nothing of ours, and nothing at all when imported."""
