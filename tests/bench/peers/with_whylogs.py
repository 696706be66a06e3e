"""whylogs' profiles and drift scores with its defaults; prints seconds and what was flagged."""

from __future__ import annotations

import sys
import time

import pandas as pd
import whylogs as why
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

before, after = (pd.read_parquet(path) for path in sys.argv[1:])
begin = time.perf_counter()
views = [why.log(frame).profile().view() for frame in (before, after)]
found = calculate_drift_scores(target_view=views[1], reference_view=views[0], with_thresholds=True)
flagged = sum(score is not None and score["drift_category"] == "DRIFT" for score in found.values())
print(f"{time.perf_counter() - begin:8.2f} s   {flagged} of {len(found)} columns flagged, none drifted")
