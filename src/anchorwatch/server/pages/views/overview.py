"""The overview: every model in one line, the sickest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEALTH_ORDER = ("page", "warn", "unknown", "ok")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many models are in which health."""

    models: int
    page: int
    warn: int
    unknown: int
    ok: int


def ranked(models: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sickest first, then by open incidents, then by name."""
    return sorted(models, key=lambda model: (_rank(model["health"]), -model["incidents"], model["name"]))


def matching(models: Sequence[Mapping[str, Any]], wanted: str) -> list[Mapping[str, Any]]:
    """Models whose name, task, health or version holds every word of `wanted`.

    >>> [model["name"] for model in matching([{"name": "a", "task": "binary"}], "bin")]
    ['a']
    """
    words = wanted.casefold().split()
    return [model for model in models if all(word in _text(model) for word in words)]


def tally(models: Sequence[Mapping[str, Any]]) -> Tally:
    """Count models by health."""
    counts = {health: sum(model["health"] == health for model in models) for health in HEALTH_ORDER}
    return Tally(models=len(models), **counts)


def worse(metric: Mapping[str, Any]) -> bool:
    """Whether a metric's last value is on the wrong side of its reference, by more than its own interval."""
    value, reference = metric.get("value"), metric.get("reference")
    if value is None or reference is None:
        return False
    if metric.get("better") == "higher":
        edge = metric.get("high")
        return bool((value if edge is None else edge) < reference)
    if metric.get("better") == "lower":
        edge = metric.get("low")
        return bool((value if edge is None else edge) > reference)
    return False


def _rank(health: str) -> int:
    return HEALTH_ORDER.index(health) if health in HEALTH_ORDER else len(HEALTH_ORDER)


def _text(model: Mapping[str, Any]) -> str:
    parts = (model["name"], model.get("task", ""), model.get("health", ""), *model.get("versions", ()))
    return " ".join(parts).casefold()
