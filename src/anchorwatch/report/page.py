"""A report as one page, and as a fragment for a notebook; neither needs network or script."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from anchorwatch.report import words
from anchorwatch.report.charts import chart, described, spark
from anchorwatch.report.report import title_of

if TYPE_CHECKING:
    from anchorwatch.report.report import Report

CARDS = 60
"""Drifted columns that are drawn large."""

ROWS = 250
"""Columns that are drawn small; further ones are listed without a picture."""

BEYOND, TINY = 0.005, 1e-9
"""Shares out of range, and of anything else, from which on a column's quality is told."""

BRIEF = 8
"""Columns that a notebook shows."""

QUALITY = ("missing_share", "infinite_share", "out_of_range_share", "unseen_share", "constant")
_TOKENS = re.compile(r"^:root \{.*?^\}", re.MULTILINE | re.DOTALL)


def page(report: Report) -> str:
    """The whole page."""
    return _environment().get_template("page.html").render(_shown(report, CARDS, ROWS), style=_style())


def fragment(report: Report) -> str:
    """A few lines of HTML with their own style, for the output cell of a notebook."""
    return _environment().get_template("fragment.html").render(_shown(report, BRIEF, 0))


def _shown(report: Report, cards: int, rows: int) -> dict[str, Any]:
    found = report.to_dict()
    columns = found["columns"]
    drifted = [column for column in columns if column["state"] == "drifted"]
    pictured = {
        column["name"] for column in (*drifted[:cards], *columns[:rows]) if column["kind"] != "vector"
    }
    pictures = {name: report.distribution(name) for name in pictured}
    return {
        "report": found,
        "drifted": drifted[:cards],
        "more": drifted[cards:],
        "worst": [item for item in found["findings"] if item["family"] != "drift" or not item["subject"]],
        "quality": [column for column in columns if _notable(column)],
        "checks": [name for name in QUALITY if any(name in column["quality"] for column in columns)],
        "pictures": pictures,
        "rows": rows,
    }


def _notable(column: dict[str, Any]) -> bool:
    """Whether a column's quality is worth a row; every sample has a few values beyond another's range."""
    return any(
        item is not None and (item["value"] or 0.0) >= (BEYOND if name == "out_of_range_share" else TINY)
        for name, pair in column["quality"].items()
        if name in QUALITY
        for item in pair.values()
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("anchorwatch.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "number": words.number,
        "share": words.share,
        "chance": words.chance,
        "reading": words.reading,
        "chart": chart,
        "spark": spark,
        "described": described,
        "title": title_of,
    }
    made.globals |= {"counted": words.counted}
    return made


@lru_cache(maxsize=1)
def _style() -> Markup:
    """The colours and types of the house's pages, and this page's own style."""
    house = files("anchorwatch").joinpath("server/static/style.css").read_text(encoding="utf-8")
    own = files("anchorwatch.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    tokens = _TOKENS.search(house)
    return Markup("{}\n{}").format(Markup(tokens[0] if tokens else ""), Markup(own))  # noqa: S704 - our own files
