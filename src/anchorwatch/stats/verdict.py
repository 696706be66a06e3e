"""What a test of two samples says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statistic and the probability of one as large or larger, were both samples from one distribution."""

    statistic: float
    p: float
