"""Streams with changes in them; the first three are those of River's own tests (NumPy's legacy generator, 12345)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def s1() -> NDArray[np.float64]:
    """A thousand of 0 and 1, then a thousand of 0 to 7."""
    draw = np.random.RandomState(12345)
    return np.concatenate([draw.randint(2, size=1000), draw.randint(8, size=1000)]).astype(float)


def s2() -> NDArray[np.float64]:
    """A thousand errors of rate 0.2, then a thousand of 0.8."""
    draw = np.random.RandomState(12345)
    return np.array([draw.binomial(1, rate) for rate in (0.2, 0.8) for _ in range(1000)], float)


def s3() -> NDArray[np.float64]:
    """Four blocks of 500 errors, of rates 0.5 and almost 1 in turn."""
    draw = np.random.RandomState(12345)
    blocks = [draw.normal(mean, 0.1, 500) > 0 for mean in (0.0, 0.25, 0.0, 0.25)]
    return np.concatenate(blocks).astype(float)


def choices(seed: int, segments: int) -> NDArray[np.float64]:
    """A thousand of 0 and 1, then a thousand of 4 to 7, and so on, by Python's generator."""
    draw = random.Random(seed)
    pools = ([0, 1], range(4, 8))
    return np.array(
        [one for index in range(segments) for one in draw.choices(pools[index % 2], k=1000)], float
    )


def errors(seed: int) -> NDArray[np.float64]:
    """Six stretches of errors of random rate and length."""
    draw = np.random.default_rng(seed)
    return np.concatenate(
        [draw.binomial(1, rate, draw.integers(200, 2500)) for rate in draw.uniform(0.01, 0.6, 6)]
    ).astype(float)


def numbers(seed: int) -> NDArray[np.float64]:
    """Four stretches of numbers around random means."""
    draw = np.random.default_rng(seed)
    return np.concatenate([draw.normal(mean, 1, draw.integers(200, 1500)) for mean in (0.0, 1.0, 0.0, 3.0)])
