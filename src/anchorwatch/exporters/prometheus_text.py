"""The text that Prometheus scrapes, in both its forms: OpenMetrics and the classic one.

Sources: OpenMetrics 1.0; Prometheus, "Exposition formats" 0.0.4 and "Metric and label naming".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isinf, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CLASSIC = "text/plain; version=0.0.4; charset=utf-8"

_UNITS = ("seconds", "bytes", "ratio")


class Kind(StrEnum):
    """What a family's samples mean."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    WINDOW = "gaugehistogram"
    """A histogram of one window: what it counts does not add up over scrapes."""


_SUFFIX = {Kind.COUNTER: "_total", Kind.INFO: "_info"}
_CLASSIC_KINDS = {Kind.INFO: "gauge", Kind.WINDOW: "histogram"}
_GAUGES = {"_gcount": "how many", "_gsum": "their sum"}


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name. `name` ends with the unit, where there is one, and leaves `_total` and `_info` out."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.GAUGE

    @property
    def sample(self) -> str:
        """The name that samples have."""
        return self.name + _SUFFIX.get(self.kind, "")

    @property
    def unit(self) -> str:
        """The base unit that the name ends with; empty when it is a plain number."""
        return next((unit for unit in _UNITS if self.name.endswith(f"_{unit}")), "")

    def line(self, value: float, **labels: str) -> str:
        r"""One sample; labels that are empty are left out, as Prometheus takes them for absent.

        >>> Family("anchorwatch_models", "Models.").line(3)
        'anchorwatch_models 3\n'
        >>> Family("aw_lag_seconds", "Lag.").line(0.5, consumer='a "b"', model="")
        'aw_lag_seconds{consumer="a \\"b\\""} 0.5\n'
        """
        return f"{self.sample}{labelled(labels)} {number(value)}\n"

    def head(self, *, openmetrics: bool) -> str:
        """The lines before a family's samples."""
        if openmetrics:
            unit = f"# UNIT {self.name} {self.unit}\n" if self.unit else ""
            return _head(self.name, self.help, self.kind.value, openmetrics=True) + unit
        return _head(
            self.sample, self.help, _CLASSIC_KINDS.get(self.kind, self.kind.value), openmetrics=False
        )


def render(families: Iterable[Family], samples: Iterable[Mapping[str, str]], *, openmetrics: bool) -> str:
    """All families that have samples, in order; `samples` holds lines by a family's name, from several sources."""
    parts = []
    sources = list(samples)
    for family in families:
        lines = "".join([source.get(family.name, "") for source in sources])
        if lines and family.kind is Kind.WINDOW and not openmetrics:
            parts.append(_apart(family, lines))
        elif lines:
            parts += (family.head(openmetrics=openmetrics), lines)
    return "".join(parts) + ("# EOF\n" if openmetrics else "")


def _apart(family: Family, lines: str) -> str:
    """A window's histogram where only histograms that grow are known: count and sum are gauges of their own."""
    text = family.head(openmetrics=False)
    each = lines.splitlines(keepends=True)
    text += "".join(line for line in each if line.startswith(f"{family.name}_bucket"))
    for suffix, about in _GAUGES.items():
        name = family.name + suffix
        text += _head(name, f"{family.help[:-1]}: {about}.", "gauge", openmetrics=False)
        text += "".join(line for line in each if line.startswith(name))
    return text


def _head(name: str, about: str, kind: str, *, openmetrics: bool) -> str:
    return f"# HELP {name} {_told(about, openmetrics=openmetrics)}\n# TYPE {name} {kind}\n"


def wants_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics is what an `Accept` header likes best of the two forms.

    >>> wants_openmetrics("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
    True
    >>> wants_openmetrics("text/plain"), wants_openmetrics("*/*"), wants_openmetrics("")
    (False, False, False)
    """
    likes = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for item in accept.split(","):
        kind, *settings = (part.strip() for part in item.split(";"))
        if kind in likes:
            weights = [part[2:] for part in settings if part.startswith("q=")]
            likes[kind] = max(likes[kind], _weight(weights[0]) if weights else 1.0)
    return likes["application/openmetrics-text"] > likes["text/plain"]


def labelled(labels: Mapping[str, str]) -> str:
    r"""Labels in braces, those without a value left out.

    >>> labelled({"model": "fares", "version": ""})
    '{model="fares"}'
    """
    inner = ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items() if value)
    return f"{{{inner}}}" if inner else ""


def escaped(text: str) -> str:
    r"""A label's value as it stands between its quotes.

    >>> escaped('a"b\\c')
    'a\\"b\\\\c'
    """
    if "\\" in text or '"' in text or "\n" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return text


def number(value: float) -> str:
    """A sample's value.

    >>> number(3), number(2.5), number(float("inf")), number(1e-300)
    ('3', '2.5', '+Inf', '1e-300')
    """
    if isinstance(value, int):
        return str(value)
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _told(text: str, *, openmetrics: bool) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if openmetrics else text


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
