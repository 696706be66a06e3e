"""Results of a model as a whole."""

from anchorwatch.core.results import Missing, Value
from anchorwatch.metrics.whole import whole


def test_values_and_reasons_pass_through_unchanged() -> None:
    """What goes in under the empty subject comes out of it."""
    for found in (Value(1.0, 2), Value(1.0, 2, 0.5, 1.5, 0.1), Missing("why not", 3)):
        results = whole("some", found)
        assert results.measure == "some"
        assert results.subjects == ("",)
        assert results[""] == found
