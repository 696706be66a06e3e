"""Numerics with no idea of models: intervals, distributions, corrections for many tests.

Only `scipy.special` is used: `scipy.stats` takes a second to import, and its distributions are these
functions.
"""
