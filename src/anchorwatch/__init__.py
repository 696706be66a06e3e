"""Anchorwatch keeps watch over machine-learning models in production and acts when they drift."""
