"""The templates' environment: escaping on, undefined names an error, the house's own filters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from anchorwatch.server.pages.assets import address
from anchorwatch.server.pages.scope import query
from anchorwatch.server.pages.views import format as form
from anchorwatch.server.pages.views.spark import bars, spark

if TYPE_CHECKING:
    from datetime import datetime

STATES = {
    "ok": ("ok", "OK"),
    "warn": ("warn", "Warning"),
    "page": ("page", "Page"),
    "info": ("info", "Info"),
    "unknown": ("unknown", "Unknown"),
    "firing": ("page", "Firing"),
    "pending": ("unknown", "Pending"),
    "resolved": ("ok", "Resolved"),
}


def environment() -> Environment:
    """Build it once; templates are compiled on first use and kept."""
    made = Environment(
        loader=PackageLoader("anchorwatch.server", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "num": form.number,
        "count": form.count,
        "bytes": form.size,
        "span": form.span,
        "when": form.when,
        "cell": form.cell,
        "heading": form.heading,
        "unit": form.unit_label,
        "spark": spark,
        "bars": bars,
        "data": data,
        "clock": clock,
    }
    made.globals |= {
        "static": address,
        "query": query,
        "interval": form.interval,
        "change": form.change,
        "ago": form.ago,
        "STATES": STATES,
    }
    return made


def data(value: Any) -> Markup:
    """JSON for a `<script type="application/json">` block, with nothing in it that could end the block."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for mark, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(mark, code)
    return Markup(text)  # noqa: S704 - the marks that matter are escaped above


def clock(at: datetime) -> str:
    """The time of rendering."""
    return f"{at:%H:%M:%S} UTC"
