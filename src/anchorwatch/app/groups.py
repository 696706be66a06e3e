"""Which measures are shown first, and under which heading the others stand.

Literal lists, so that one reads in one place what a page shows. A measure that is in none of them is somebody's own:
who took the trouble to write it wants to see it, so it is among the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.schema import Task
from anchorwatch.profile.measure import Family

if TYPE_CHECKING:
    from anchorwatch.profile.measure import Measure

OWN = "Your own"

MAIN: dict[Task, tuple[str, ...]] = {
    Task.BINARY: (
        "roc_auc",
        "average_precision",
        "accuracy",
        "precision",
        "recall",
        "f1",
        "log_loss",
        "ece",
    ),
    Task.MULTICLASS: ("accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "ece"),
    Task.REGRESSION: ("mae", "rmse", "bias", "median_absolute_error", "r2", "wape"),
}
"""Performance by task: does it rank, does it decide, are its probabilities true; how far off, and to which side."""

FIRST: dict[Family, tuple[str, ...]] = {
    Family.DRIFT: ("drift", "missing_shift", "psi", "ks", "jensen_shannon", "wasserstein", "target_drift"),
    Family.QUALITY: ("missing_share", "unseen_share", "out_of_range_share", "outlier_share_robust_z"),
    Family.SERVICE: ("throughput", "error_rate", "latency_p50", "latency_p95", "latency_p99"),
}
"""The same of the other families, for every task."""

GROUPS: dict[Family, dict[str, tuple[str, ...]]] = {
    Family.PERFORMANCE: {
        "Errors": (
            "mae",
            "rmse",
            "mse",
            "median_absolute_error",
            "max_error",
            "bias",
            "r2",
            "explained_variance",
            "wape",
            "mape",
            "smape",
            "quantile_loss_p10",
            "quantile_loss_p50",
            "quantile_loss_p90",
        ),
        "Ranking": (
            "roc_auc",
            "roc_auc_weighted",
            "average_precision",
            *(
                f"{stem}_p{share}"
                for stem in ("lift", "precision_at", "recall_at")
                for share in (1, 5, 10, 20)
            ),
        ),
        "Decisions at the threshold": (
            "accuracy",
            "balanced_accuracy",
            "precision",
            "precision_weighted",
            "recall",
            "f1",
            "f1_weighted",
            "specificity",
            "false_positive_rate",
            "false_negative_rate",
            "negative_predictive_value",
            "matthews_correlation",
            "cohen_kappa",
            "base_rate",
            "predicted_rate",
        ),
        "Calibration": (
            "log_loss",
            "brier",
            "brier_reliability",
            "brier_resolution",
            "brier_uncertainty",
            "brier_within",
            "ece",
            "ece_mass",
            "mce",
            "mce_mass",
            "calibration_slope",
            "calibration_intercept",
        ),
        "Each class": (
            "class_precision",
            "class_recall",
            "class_f1",
            "class_specificity",
            "class_false_positive_rate",
            "class_false_negative_rate",
            "class_negative_predictive_value",
            "class_roc_auc",
            "class_average_precision",
        ),
        "Detectors": ("detector_alarms",),
    },
    Family.DRIFT: {
        "Share of rows": ("drift", "missing_shift", "total_variation", "l_infinity", "fisher"),
        "Distances": (
            "psi",
            "psi_classic",
            "jensen_shannon",
            "hellinger",
            "kl",
            "wasserstein",
            "wasserstein_raw",
            "energy",
            "cramers_v",
        ),
        "Statistics of tests": ("ks", "cramer_von_mises", "anderson_darling", "chi_square", "g_test"),
        "Of the outcome": (
            "target_drift",
            "target_psi",
            "target_psi_classic",
            "target_ks",
            "target_jensen_shannon",
            "target_hellinger",
            "target_kl",
            "target_total_variation",
            "target_l_infinity",
            "target_fisher",
            "target_wasserstein",
            "target_wasserstein_raw",
            "target_energy",
            "target_cramers_v",
            "target_cramer_von_mises",
            "target_anderson_darling",
            "target_chi_square",
            "target_g_test",
        ),
        "Vectors": ("vector_pca_error", "vector_mmd", "vector_domain_auc"),
        "Whole rows": ("pca_error", "mmd", "domain_auc"),
        "Volume": ("volume_change",),
    },
    Family.QUALITY: {
        "Missing": ("missing_share", "infinite_share"),
        "Not as in the reference": ("unseen_share", "out_of_range_share"),
        "Outliers": (
            "outlier_share_robust_z",
            "outlier_share_z",
            "outlier_share_iqr",
            "outlier_share_forest",
        ),
        "Constant": ("constant", "almost_constant"),
        "Rows": ("rejected_share", "schema_breaks", "duplicate_share", "freshness"),
    },
    Family.SERVICE: {
        "Traffic": ("throughput", "error_rate"),
        "Latency": ("latency_p50", "latency_p95", "latency_p99", "latency_mean"),
        "Outcomes": ("maturity", "expired_share"),
    },
}
"""Every measure of ours under one heading of its family, in the order of pages and menus."""

_PLACES = {
    (family, name): (heading, place)
    for family, headings in GROUPS.items()
    for place, (heading, name) in enumerate(
        (heading, name) for heading, names in headings.items() for name in names
    )
}


def group_of(measure: Measure) -> str:
    """The heading a measure stands under.

    >>> from anchorwatch.metrics.regression import mae
    >>> from anchorwatch.profile.measure import MEASURES
    >>> group_of(MEASURES["mae"])
    'Errors'
    """
    return _PLACES.get((measure.family, measure.name), (OWN, 0))[0]


def is_main(measure: Measure, task: Task | None) -> bool:
    """Whether a page shows it before it is asked to; without a task, whether that is so for any task."""
    if group_of(measure) == OWN:
        return True
    if measure.family is Family.PERFORMANCE:
        return any(measure.name in names for each, names in MAIN.items() if task in {None, each})
    return measure.name in FIRST.get(measure.family, ())


def place_of(measure: Measure, task: Task | None) -> tuple[int, int]:
    """What measures of a family are sorted by: main ones first, in the order of the lists."""
    order = MAIN[task] if task and measure.family is Family.PERFORMANCE else FIRST.get(measure.family, ())
    first = order.index(measure.name) if measure.name in order else len(order)
    return first, _PLACES.get((measure.family, measure.name), (OWN, -1))[1]
