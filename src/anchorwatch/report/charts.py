"""Two distributions in one small picture: inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from anchorwatch.report.words import percent
from anchorwatch.rules.sentence import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 360, 128
FLOOR, LEFT, TOP = 106, 4, 8
ROW, NAMES, AMOUNTS = 19, 116, 92
COMMON, MOVED = 5, 4
"""Names of a category that are shown: the most frequent ones, and those that moved most."""

LONGEST = 17
SPARKED = 12
"""Names drawn in the row of a table."""

LOST = 0.02
"""A change of the missing share that is told before any other."""


def chart(found: dict[str, Any]) -> Markup:
    """The picture of a column, from `Report.distribution`."""
    return _numbers(found["bins"]) if found["kind"] == "number" else _names(found["bins"])


def spark(found: dict[str, Any]) -> Markup:
    """The same, without words, for a row of a table."""
    bins = found["bins"] if found["kind"] == "number" else found["bins"][:SPARKED]
    highest = _highest(bins)
    parts = [_area(bins, "reference", highest, (0, 90, 20)), _area(bins, "current", highest, (0, 90, 20))]
    return _svg(90, 22, "", parts, kind="spark")


def described(found: dict[str, Any]) -> str:
    """What a picture shows, for those who do not see it."""
    missing = {side: share or 0.0 for side, share in found["missing"].items()}
    if abs(missing["current"] - missing["reference"]) >= LOST:
        return f"Missing went from {percent(missing['reference'])} to {percent(missing['current'])}"
    moved = max(found["bins"], key=lambda one: abs(_of(one, "current") - _of(one, "reference")), default=None)
    if moved is None:
        return "no values"
    before, after = percent(_of(moved, "reference")), percent(_of(moved, "current"))
    return f"Largest change at {moved['label']}: {before} in the reference, {after} now"


def _numbers(bins: Sequence[dict[str, Any]]) -> Markup:
    highest = _highest(bins)
    box = (LEFT, WIDTH - 2 * LEFT, FLOOR - TOP)
    parts = [_area(bins, "reference", highest, box, TOP), _area(bins, "current", highest, box, TOP)]
    parts.append(Markup('<path class="axis" d="M{} {}H{}"/>').format(LEFT, FLOOR, WIDTH - LEFT))
    edges = [one["high"] for one in bins[:-1]]
    step = (WIDTH - 2 * LEFT) / max(len(bins), 1)
    for place in sorted({0, len(edges) // 2, len(edges) - 1}) if edges else ():
        anchor = "start" if place == 0 else "end" if place == len(edges) - 1 else "middle"
        across = LEFT + step * (place + 1)
        if len(edges) == 1:
            anchor = "middle"
        parts.append(_text(across, HEIGHT - 6, figure(edges[place]), anchor))
        parts.append(Markup('<path class="axis" d="M{:.1f} {}v4"/>').format(across, FLOOR))
    parts.append(_text(WIDTH - LEFT, 11, f"peak {percent(highest)}", "end"))
    return _svg(WIDTH, HEIGHT, "numbers", parts)


def _names(bins: Sequence[dict[str, Any]]) -> Markup:
    shown = _shown(bins)
    highest = _highest(shown)
    room = WIDTH - NAMES - AMOUNTS
    parts = []
    for row, one in enumerate(shown):
        top = 4 + row * ROW
        parts.append(_text(NAMES - 6, top + 12, _cut(one["label"]), "end", title=one["label"]))
        for side, down in (("reference", 1), ("current", 8)):
            length = max(room * _of(one, side) / highest, 0.5)
            parts.append(_bar(side, NAMES, top + down, length))
        figures = f"{percent(_of(one, 'reference'))} → {percent(_of(one, 'current'))}"
        parts.append(_text(WIDTH - 2, top + 12, figures, "end"))
    return _svg(WIDTH, 8 + max(len(shown), 1) * ROW, "names", parts)


def _shown(bins: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most frequent names, those that moved most, and the rest together."""
    if len(bins) <= COMMON + MOVED:
        return list(bins)
    moved = sorted(bins[COMMON:], key=lambda one: -abs(_of(one, "current") - _of(one, "reference")))[:MOVED]
    kept = [*bins[:COMMON], *(one for one in bins[COMMON:] if any(one is item for item in moved))]
    rest = [one for one in bins if not any(one is item for item in kept)]
    others = {
        "label": "all others",
        **{side: sum(_of(one, side) for one in rest) for side in ("reference", "current")},
    }
    return [*kept, others]


def _area(
    bins: Sequence[dict[str, Any]], side: str, highest: float, box: tuple[float, float, float], top: float = 1
) -> Markup:
    """Steps from bar to bar, closed along the floor."""
    left, width, height = box
    step = width / max(len(bins), 1)
    points = [f"M{left:g} {top + height:g}"]
    for place, one in enumerate(bins):
        points.append(f"V{top + height * (1 - _of(one, side) / highest):.1f}H{left + step * (place + 1):.1f}")
    points.append(f"V{top + height:g}Z")
    return Markup('<path class="{}" d="{}"/>').format(side, "".join(points))


def _bar(side: str, left: float, top: float, length: float) -> Markup:
    return Markup('<rect class="{}" x="{}" y="{}" width="{:.1f}" height="6"/>').format(
        side, left, top, length
    )


def _text(across: float, down: float, words: str, anchor: str, *, title: str = "") -> Markup:
    hint = Markup("<title>{}</title>").format(title) if title and title != words else Markup("")
    return Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}{}</text>').format(
        across, down, anchor, words, hint
    )


def _svg(
    width: float, height: float, name: str, parts: Sequence[Markup], *, kind: str = "distribution"
) -> Markup:
    return Markup(
        '<svg class="{} {}" viewBox="0 0 {} {}" aria-hidden="true" focusable="false">{}</svg>'
    ).format(kind, name, width, height, Markup("").join(escape(part) for part in parts))


def _highest(bins: Sequence[dict[str, Any]]) -> float:
    return max((max(_of(one, "reference"), _of(one, "current")) for one in bins), default=0.0) or 1.0


def _of(one: dict[str, Any], side: str) -> float:
    return float(one[side] or 0.0)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
