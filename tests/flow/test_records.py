"""What the join index keeps of an event."""

from __future__ import annotations

import numpy as np
import polars as pl

from anchorwatch.core.schema import ModelSpec, Task
from anchorwatch.flow.records import coded, records_of, score_columns


def test_labels_are_coded_in_their_order() -> None:
    """Any other label is one past the last; none is NaN; numbers stay."""
    column = pl.Series(["b", None, "a", "z"])
    np.testing.assert_array_equal(coded(column, ("a", "b")), [1.0, np.nan, 0.0, 2.0])
    np.testing.assert_array_equal(coded(column, ()), [0.0, np.nan, 0.0, 0.0])
    np.testing.assert_array_equal(coded(pl.Series([1.5, None]), ()), [1.5, np.nan])


def test_a_record_holds_what_joining_needs() -> None:
    """Window, prediction, scores in order of classes, and slices; a score that was not logged is NaN."""
    spec = ModelSpec(name="m", task=Task.MULTICLASS, labels=("a", "b"))
    assert score_columns(spec) == ("_score:a", "_score:b")
    frame = pl.DataFrame({"_prediction": ["a", None], "_score:b": [0.25, 0.5]})
    records = records_of(spec, frame, np.array([10, 20]), np.array([[1, 2], [3, 4]], np.int32))
    assert records["start"].tolist() == [10, 20]
    np.testing.assert_array_equal(records["prediction"], [0.0, np.nan])
    np.testing.assert_array_equal(records["scores"], [[np.nan, 0.25], [np.nan, 0.5]])
    assert records["slices"].tolist() == [[1, 2], [3, 4]]
    assert not records["hi"].any()


def test_whose_scores_are_kept() -> None:
    """Of a binary model the one score, of a regression none."""
    assert score_columns(ModelSpec(name="m", task=Task.BINARY)) == ("_score",)
    assert score_columns(ModelSpec(name="m", task=Task.REGRESSION)) == ()
