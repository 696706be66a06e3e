"""A small chart of one measure with its limit, as a PNG for messages; needs the extra `plots`."""

from __future__ import annotations

import io
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

INK, LINE, LIMIT, BAD = "#3b4252", "#2f6f9f", "#b5472f", "#d23f2b"


def picture(
    starts: Sequence[str], values: Sequence[float | None], *, limit: float | None = None, title: str = ""
) -> bytes | None:
    """A PNG of 640 × 200 pixels; None without matplotlib, or with nothing to draw.

    Args:
        starts: ISO 8601, of each window.
        values: of each window; those that are not known leave a gap.
        limit: what was broken.
        title: above it.
    """
    known = [(datetime.fromisoformat(at), value) for at, value in zip(starts, values, strict=True)]
    drawn = [math.nan if value is None or not math.isfinite(value) else value for _, value in known]
    if all(math.isnan(value) for value in drawn):
        return None
    try:
        import matplotlib.dates as mdates  # noqa: PLC0415 - an extra, and heavy
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - as above
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    except ImportError:
        return None
    figure = Figure(figsize=(6.4, 2.0), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    dates: Any = mdates
    times = dates.date2num([at for at, _ in known])
    axes.plot(times, drawn, color=LINE, linewidth=1.6, marker="o", markersize=2.5)
    if limit is not None and math.isfinite(limit):
        axes.axhline(limit, color=LIMIT, linewidth=1.0, linestyle="--")
        axes.annotate(
            f"limit {limit:.3g}",
            (1, limit),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            color=LIMIT,
            fontsize=8,
        )
    last = max(place for place, value in enumerate(drawn) if not math.isnan(value))
    axes.plot(times[last], drawn[last], "o", color=BAD, markersize=5)
    axes.set_title(title.replace("$", r"\$"), loc="left", fontsize=9, color=INK)
    pad = max(0.03 * (times[-1] - times[0]), 0.1)  # days
    axes.set_xlim(times[0] - pad, times[-1] + pad)
    locator = dates.AutoDateLocator(minticks=2, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.tick_params(labelsize=7, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
