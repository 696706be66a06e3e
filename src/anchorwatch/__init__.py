"""Anchorwatch keeps watch over machine-learning models in production and acts when they drift.

The door of the library; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anchorwatch.app.embedded import open  # noqa: A004 - `aw.open` is the name
    from anchorwatch.client.watch import connect
    from anchorwatch.core.calendar import Grain
    from anchorwatch.core.errors import AnchorwatchError
    from anchorwatch.core.results import Missing, Results, Value
    from anchorwatch.core.schema import Column, Fields, Kind, ModelSpec, Task
    from anchorwatch.core.types import Rule, Severity
    from anchorwatch.metrics.custom import cost_measure, loss, metric
    from anchorwatch.profile.measure import measure
    from anchorwatch.profile.profile import Profile
    from anchorwatch.report.compare import compare

__all__ = [
    "AnchorwatchError",
    "Column",
    "Fields",
    "Grain",
    "Kind",
    "Missing",
    "ModelSpec",
    "Profile",
    "Results",
    "Rule",
    "Severity",
    "Task",
    "Value",
    "compare",
    "connect",
    "cost_measure",
    "loss",
    "measure",
    "metric",
    "open",
]

_HOMES = {
    "AnchorwatchError": "core.errors",
    "Column": "core.schema",
    "Fields": "core.schema",
    "Grain": "core.calendar",
    "Kind": "core.schema",
    "Missing": "core.results",
    "ModelSpec": "core.schema",
    "Profile": "profile.profile",
    "Results": "core.results",
    "Rule": "core.types",
    "Severity": "core.types",
    "Task": "core.schema",
    "Value": "core.results",
    "compare": "report.compare",
    "connect": "client.watch",
    "cost_measure": "metrics.custom",
    "loss": "metrics.custom",
    "measure": "profile.measure",
    "metric": "metrics.custom",
    "open": "app.embedded",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
