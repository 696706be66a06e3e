"""Small tables that are compared in tests."""

from __future__ import annotations

import numpy as np
import polars as pl


def people(n: int, seed: int, *, moved: float = 0.0) -> pl.DataFrame:
    """Inputs, a target, its prediction and score; `moved` shifts ages and cities."""
    random = np.random.default_rng(seed)
    target = random.integers(0, 2, n)
    score = np.clip(random.normal(0.4 + 0.2 * target, 0.2, n), 0, 1)
    return pl.DataFrame(
        {
            "age": random.normal(40 + 10 * moved, 10, n),
            "income": random.lognormal(3, 1, n),
            "city": random.choice(["Rome", "Oslo", "Bern"], n, p=[0.5, 0.3 - 0.2 * moved, 0.2 + 0.2 * moved]),
            "children": random.integers(0, 4, n),
            "bought": target,
            "score": score,
            "guess": (score > 0.5).astype(int),
        }
    )


ROLES = {"target": "bought", "prediction": "guess", "score": "score"}
