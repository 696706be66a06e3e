"""What can be measured, as plain data."""

import json

from anchorwatch.core.schema import Task
from anchorwatch.metrics.catalogue import describe
from anchorwatch.profile.measure import MEASURES


def test_everything_registered_is_described_in_json() -> None:
    """One entry per measure, with the keys the API promises and infinite bounds as null."""
    import anchorwatch.drift
    import anchorwatch.metrics
    import anchorwatch.quality  # noqa: F401 - they register on import

    entries = json.loads(json.dumps(describe(), allow_nan=False))
    assert [entry["name"] for entry in entries] == list(MEASURES)
    by_name = {entry["name"]: entry for entry in entries}
    assert by_name["r2"] == {
        "name": "r2",
        "title": "R²",
        "family": "performance",
        "stage": "outcomes",
        "unit": "1",
        "better": "higher",
        "low": None,
        "high": 1.0,
        "subjects": "model",
        "source": "sklearn.metrics.r2_score; interval: delta method",
    }
    assert by_name["psi"]["subjects"] == "columns"
    assert by_name["class_recall"]["subjects"] == "classes"


def test_a_task_has_its_own_measures() -> None:
    """A regression model is offered errors of numbers and not those of labels."""
    import anchorwatch.metrics  # noqa: F401 - it registers on import

    names = {entry["name"] for entry in describe(task=Task.REGRESSION)}
    assert "mae" in names
    assert "accuracy" not in names
    assert "throughput" in names
