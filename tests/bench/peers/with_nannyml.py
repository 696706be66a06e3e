"""NannyML's univariate drift, Jensen-Shannon, the current table as one chunk; prints seconds and what was flagged."""

from __future__ import annotations

import os
import sys
import time

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml as nml
import pandas as pd

before, after = (pd.read_parquet(path) for path in sys.argv[1:])
begin = time.perf_counter()
calculator = nml.UnivariateDriftCalculator(
    column_names=list(before.columns),
    continuous_methods=["jensen_shannon"],
    categorical_methods=["jensen_shannon"],
    chunk_number=10,
)
calculator.fit(before)
found = calculator.calculate(after).to_df()
seconds = time.perf_counter() - begin
alerts = found.loc[:, found.columns.get_level_values(-1) == "alert"]
late = alerts.tail(10)
print(
    f"{seconds:8.2f} s   {int(late.any().sum())} of {late.shape[1]} columns flagged in a chunk, none drifted"
)
