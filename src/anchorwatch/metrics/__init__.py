"""How well a model did and served: a profile to results, one file per family of metrics.

A new family is one file here and one line in the list below.
"""

from anchorwatch.metrics import (
    agreement,
    brier_parts,
    calibration,
    classes,
    classification,
    detectors,
    maturity,
    probability,
    ranking,
    rates,
    recalibration,
    regression,
    relative,
    service,
    top,
    weighted,
)

__all__ = [
    "agreement",
    "brier_parts",
    "calibration",
    "classes",
    "classification",
    "detectors",
    "maturity",
    "probability",
    "ranking",
    "rates",
    "recalibration",
    "regression",
    "relative",
    "service",
    "top",
    "weighted",
]
