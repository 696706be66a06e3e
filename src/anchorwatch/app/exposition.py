"""What `/metrics` says: the ledger's newest complete windows and the state of the store, as Prometheus reads them.

Figures of windows are rendered once and kept as text for as long as the stored results, the rules and the versions of
the model are the same; states and counts are read anew each time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from anchorwatch.app.queries import VERSION
from anchorwatch.app.view import FOREVER, view_of
from anchorwatch.app.window_lines import MODEL_STAGES, Lines, Rendered, Windows, render_windows
from anchorwatch.core.times import span_micros
from anchorwatch.core.types import IncidentState, Severity
from anchorwatch.exporters import prometheus_names as names
from anchorwatch.exporters.prometheus_text import CLASSIC, OPENMETRICS, render, wants_openmetrics
from anchorwatch.rules.defaults import main_metric
from anchorwatch.rules.place import cause_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.app.watch import Watch
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.types import Incident
    from anchorwatch.flow.ports import Model, Version
    from anchorwatch.stores.ledger.ledger import Transaction
    from anchorwatch.stores.ledger.results import Sheets

_OPEN = (IncidentState.PENDING, IncidentState.FIRING)


class Exposition:
    """The text that Prometheus scrapes of one watch."""

    def __init__(self, watch: Watch, clock: Clock) -> None:
        self._watch = watch
        self._clock = clock
        self._kept: dict[int, Rendered] = {}

    def text(self, accept: str = "") -> tuple[str, str]:
        """The text in the form that an `Accept` header asks for, and its media type."""
        openmetrics = wants_openmetrics(accept)
        begin = self._clock.monotonic()
        sources = self._gathered()
        own: dict[str, str] = _own(self._watch)
        own[names.COLLECT.name] = names.COLLECT.line(self._clock.monotonic() - begin)
        body = render(names.families(), [*sources, own], openmetrics=openmetrics)
        return body, OPENMETRICS if openmetrics else CLASSIC

    def _gathered(self) -> list[Mapping[str, str]]:
        now = self._watch.now()
        found: list[Mapping[str, str]] = []
        with self._watch.ledger.read() as books:
            models = books.models.all()
            for model in models[: names.MODELS]:
                versions = [item for item in books.models.versions(model.id) if item.first_at is not None]
                found += [_states(books, model, versions, now), self._windows(books, model, versions)]
        for gone in self._kept.keys() - {model.id for model in models}:
            self._kept.pop(gone, None)
        more = max(len(models) - names.MODELS, 0)
        found.append(
            {
                names.MODELS_COUNT.name: names.MODELS_COUNT.line(len(models)),
                names.MODELS_OMITTED.name: names.MODELS_OMITTED.line(more),
            }
        )
        return found

    def _windows(self, books: Transaction, model: Model, versions: list[Version]) -> Lines:
        """What was rendered of these very windows before, else rendered now."""
        windows = _newest(books, model, versions)
        if windows is None:
            return {}
        kept = self._kept.get(model.id)
        if kept is None or kept.key != windows.key:
            kept = Rendered(windows.key, render_windows(books, model, windows))
            self._kept[model.id] = kept
        return kept.lines


def _newest(books: Transaction, model: Model, versions: list[Version]) -> Windows | None:
    """The newest complete window of each stage, with the newest versions' own; None when nothing is complete."""
    whole = view_of(model).slice_id(books)
    if whole is None:
        return None
    grain = model.spec.window.text
    slices = {
        item.version: number
        for item, number in books.models.slices(model.id).items()
        if not item.every and not item.segment
    }
    wanted = {"": whole} | {
        item.version: slices[item.version] for item in newest(versions) if item.version in slices
    }
    starts, heads, tails = {}, {}, {}
    for stage in MODEL_STAGES:
        judged = books.judgements.last(model.id, stage)
        start = None if judged is None else books.results.latest(whole, grain, judged + 1)
        if start is None:
            continue
        starts[stage] = start
        tails[stage] = books.results.tails(whole, grain, start, start + 1)
        for version, number in wanted.items():
            heads[stage, version] = books.results.heads(number, grain, start, start + 1)
    if not starts:
        return None
    raw = tuple(_raw(sheets) for sheets in (*(sheets for _, sheets in heads.values()), *tails.values()))
    grids = tuple((item.version, item.grid_id) for item in versions)
    key = (model.spec, model.rules, grids, tuple(starts.items()), tuple(heads), raw)
    return Windows(key, starts, heads, tails)


def newest(versions: list[Version]) -> list[Version]:
    """The versions that are told of: those that began last."""
    return versions[-names.VERSIONS :]


def _raw(sheets: Sheets) -> tuple[bytes, ...]:
    return tuple(blob for _, sheet in sheets.parts for blob in sheet.raw)


def _states(books: Transaction, model: Model, versions: list[Version], now: int) -> Lines:
    """What may change without a window: counts, times, incidents."""
    name, spec = model.spec.name, model.spec
    lines = {
        names.MODEL.name: names.MODEL.line(
            1, model=name, task=spec.task.value, window=spec.window.text, main_measure=main_metric(spec)
        ),
        names.WINDOW_LENGTH.name: names.WINDOW_LENGTH.line(span_micros(spec.window.length) / 1e6, model=name),
        names.PREDICTIONS.name: "".join(
            names.PREDICTIONS.line(item.events, model=name, version=item.version) for item in newest(versions)
        ),
        names.COLUMNS_OMITTED.name: names.COLUMNS_OMITTED.line(
            max(len(spec.columns) - names.COLUMNS, 0), model=name
        ),
        names.VERSIONS_OMITTED.name: names.VERSIONS_OMITTED.line(
            max(len(versions) - names.VERSIONS, 0), model=name
        ),
    }
    for family, at in (
        (names.LAST_PREDICTION, model.watermark),
        (names.LAST_OUTCOME, model.outcomes_until),
    ):
        if at is not None and at > FOREVER[0]:
            lines[family.name] = family.line(at / 1e6, model=name)
    return lines | _incidents(model, books.judgements.open_incidents(model.id), now)


def _incidents(model: Model, latest: list[Incident], now: int) -> Lines:
    """Counts by state and severity, zeros too, and a line per cause that a rule may raise or that fires."""
    name = model.spec.name
    live = [item for item in latest if item.state in _OPEN]
    count = {(state, severity): 0 for state in _OPEN for severity in Severity}
    for item in live:
        count[item.state, item.severity] += 1
    lines: dict[str, list[str]] = defaultdict(list)
    lines[names.INCIDENTS.name] = [
        names.INCIDENTS.line(many, model=name, state=state.value, severity=severity.value)
        for (state, severity), many in count.items()
    ]
    causes: dict[str, Severity] = {}
    for rule in model.rules:
        cause = cause_of(rule)
        causes[cause] = max(causes.get(cause, rule.severity), rule.severity, key=lambda one: one.rank)
    firing = {item.cause: item for item in live if item.state is IncidentState.FIRING}
    for cause in sorted(causes.keys() | firing.keys()):
        incident = firing.get(cause)
        severity = causes[cause] if incident is None else incident.severity
        lines[names.FIRING.name].append(
            names.FIRING.line(int(incident is not None), model=name, cause=cause, severity=severity.value)
        )
        if incident is not None:
            _of_incident(lines, incident, now)
    return {family: "".join(found) for family, found in lines.items()}


def _of_incident(lines: dict[str, list[str]], incident: Incident, now: int) -> None:
    """Who knows of a firing incident, and since when it fires."""
    labels = {"model": incident.model, "cause": incident.cause}
    silenced = incident.silenced_until is not None and incident.silenced_until.timestamp() * 1e6 > now
    lines[names.SILENCED.name].append(names.SILENCED.line(int(silenced), **labels))
    known = int(bool(incident.acknowledged_by))
    lines[names.ACKNOWLEDGED.name].append(names.ACKNOWLEDGED.line(known, **labels))
    fired = (incident.fired_at or incident.opened_at).timestamp()
    lines[names.FIRED.name].append(names.FIRED.line(fired, **labels))


def _own(watch: Watch) -> dict[str, str]:
    """How the store itself does."""
    status = watch.queries.status()
    inbox, disk = status["inbox"], status["disk"]
    lines = {
        names.BUILD.name: names.BUILD.line(1, version=VERSION),
        names.UPTIME.name: names.UPTIME.line(status["uptime_s"]),
        names.INBOX_BATCHES.name: names.INBOX_BATCHES.line(inbox["batches"]),
        names.INBOX_ROWS.name: names.INBOX_ROWS.line(inbox["rows"]),
        names.INBOX_BYTES.name: names.INBOX_BYTES.line(inbox["bytes"]),
        names.INBOX_AGE.name: names.INBOX_AGE.line(inbox["oldest_s"] or 0.0),
        names.LAG.name: "".join(
            names.LAG.line(item["lag_batches"], consumer=item["name"]) for item in status["consumers"]
        ),
        names.STORE_BYTES.name: "".join(
            names.STORE_BYTES.line(size, part=part)
            for part, size in disk.items()
            if size is not None and part not in {"free", "total"}
        ),
    }
    for family, key in ((names.DISK_FREE, "free"), (names.DISK_SIZE, "total")):
        if disk[key] is not None:
            lines[family.name] = family.line(disk[key])
    return lines | _worker(watch, status["set_aside"], [item["name"] for item in status["consumers"]])


def _worker(watch: Watch, aside: list[dict[str, object]], consumers: list[str]) -> dict[str, str]:
    """What each part of the worker did, could not do, and trips over now."""
    health = watch.pump.health
    parts = sorted({*consumers, *health.busy, *health.errors})
    put = {name: [item for item in aside if item["consumer"] == name] for name in consumers}
    return {
        names.WORKING.name: "".join(
            names.WORKING.line(int(part not in health.errors), consumer=part) for part in parts
        ),
        names.BUSY.name: "".join(
            names.BUSY.line(health.busy.get(part, 0.0), consumer=part) for part in parts
        ),
        names.ASIDE_BATCHES.name: "".join(
            names.ASIDE_BATCHES.line(len(items), consumer=name) for name, items in put.items()
        ),
        names.ASIDE_ROWS.name: "".join(
            names.ASIDE_ROWS.line(sum(int(str(item["rows"])) for item in items), consumer=name)
            for name, items in put.items()
        ),
    }
