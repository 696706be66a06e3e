"""Numerics with no idea of models."""
