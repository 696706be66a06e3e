"""A report's pictures as Matplotlib figures, for notebooks and papers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import ConfigError
from anchorwatch.report.words import number, percent

if TYPE_CHECKING:
    from anchorwatch.report.report import Report

GREY, BLUE, RED = "#b9c1c9", "#0a5fa8", "#b03a06"
COLUMN = (6.4, 3.2)
LONGEST = 40


def plot_column(report: Report, column: str) -> Any:
    """A column's distribution in the reference and now."""
    found = report.distribution(column)
    figure, axes = _empty(*COLUMN)
    bins = found["bins"]
    before, after = ([100 * (one[side] or 0.0) for one in bins] for side in ("reference", "current"))
    if found["kind"] == "number":
        sides = list(range(len(bins) + 1))
        axes.stairs(before, sides, fill=True, color=GREY, label="reference")
        axes.stairs(after, sides, color=BLUE, linewidth=1.6, label="current")
        edges = [one["high"] for one in bins[:-1]]
        ticks = sorted({0, len(edges) // 2, len(edges) - 1}) if edges else []
        axes.set_xticks([tick + 1 for tick in ticks], [number(edges[tick]) for tick in ticks])
    else:
        places = range(len(bins))
        axes.bar([place - 0.2 for place in places], before, 0.4, color=GREY, label="reference")
        axes.bar([place + 0.2 for place in places], after, 0.4, color=BLUE, label="current")
        axes.set_xticks(list(places), [_plain(one["label"]) for one in bins], rotation=30, ha="right")
    axes.set_ylabel("rows, %")
    effect = report.effect(report.subject(column))
    axes.set_title(f"{_plain(column)}: {percent(effect)} of rows elsewhere", loc="left", fontsize=10)
    axes.legend(frameon=False)
    return figure


def plot_metrics(report: Report) -> Any:
    """The main metrics on both sides, with its interval."""
    rows = [item for item in report.to_dict()["metrics"] if item["main"] and _both(item)]
    figure, grid = _grid(len(rows))
    for item, axes in zip(rows, grid, strict=False):
        for place, (side, colour) in enumerate((("reference", GREY), ("current", BLUE))):
            found = item[side]
            low, high = found["low"], found["high"]
            reach = None if low is None or high is None else [[found["value"] - low], [high - found["value"]]]
            axes.errorbar([place], [found["value"]], yerr=reach, fmt="o", color=colour, capsize=4)
        axes.set_xticks([0, 1], ["reference", "current"])
        axes.set_xlim(-0.5, 1.5)
        colour = RED if item["verdict"] == "breach" else "black"
        axes.set_title(item["title"], loc="left", fontsize=9, color=colour)
    return figure


def plot_drift(report: Report, most: int = 30) -> Any:
    """Columns by the share of rows that lie elsewhere, the farthest on top."""
    columns = [item for item in report.to_dict()["columns"] if item["effect"] is not None]
    shown = sorted(columns, key=lambda item: -item["effect"])[:most][::-1]
    figure, axes = _empty(6.4, 1.0 + 0.24 * len(shown))
    colours = [RED if item["state"] == "drifted" else GREY for item in shown]
    axes.barh(
        [_plain(item["name"]) for item in shown], [100 * item["effect"] for item in shown], color=colours
    )
    axes.set_xlabel("rows elsewhere, %")
    axes.set_title(_plain(report.summary, 90), loc="left", fontsize=9)
    return figure


def _both(item: dict[str, Any]) -> bool:
    sides = (item["reference"], item["current"])
    return all(side is not None and side["value"] is not None for side in sides)


def _figures() -> Any:
    """Matplotlib's figure module, which knows neither windows nor global state."""
    try:
        return import_module("matplotlib.figure")
    except ImportError:
        raise ConfigError("plots need Matplotlib: pip install 'anchorwatch[plots]'") from None


def _empty(width: float, height: float) -> tuple[Any, Any]:
    figure = _figures().Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    _bare(axes)
    return figure, axes


def _grid(count: int) -> tuple[Any, list[Any]]:
    across = min(max(count, 1), 4)
    down = max(-(-count // across), 1)
    figure = _figures().Figure(figsize=(2.2 * across, 2.0 * down), layout="constrained")
    grid = [figure.add_subplot(down, across, place + 1) for place in range(count)]
    for axes in grid:
        _bare(axes)
    return figure, grid


def _bare(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _plain(name: str, longest: int = LONGEST) -> str:
    """A name that Matplotlib does not take for a formula."""
    name = "".join(mark if mark.isprintable() else " " for mark in name)
    short = name if len(name) <= longest else f"{name[: longest - 1]}…"
    return short.replace("$", r"\$")
