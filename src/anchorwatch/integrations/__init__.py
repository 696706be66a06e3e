"""Anchorwatch inside what people already use: each module needs an extra of its own name."""
