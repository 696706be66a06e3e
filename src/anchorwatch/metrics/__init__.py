"""How well a model did and served: a profile to results, one file per family of metrics.

A new family is one file here and one line in the list below.
"""

from anchorwatch.metrics import (
    classes,
    classification,
    maturity,
    probability,
    ranking,
    regression,
    service,
)

__all__ = [
    "classes",
    "classification",
    "maturity",
    "probability",
    "ranking",
    "regression",
    "service",
]
