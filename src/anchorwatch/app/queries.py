"""Everything there is to read, as plain JSON types: the API, the UI, the CLI and the embedded client all ask here."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from anchorwatch.app import incidents_view, outcomes
from anchorwatch.app.distributions import compared
from anchorwatch.app.fleet import card
from anchorwatch.app.heatmap import heatmap
from anchorwatch.app.likely import likely
from anchorwatch.app.moments import Moment, moment
from anchorwatch.app.readings import described, measures_of, series, window_results
from anchorwatch.app.replays import over_reference, replayed
from anchorwatch.app.standing import Disk, set_aside_body
from anchorwatch.app.view import FOREVER, View, grains_of, ripe, view_of
from anchorwatch.core.errors import InputError
from anchorwatch.core.ports import RowFilter, RowQuery
from anchorwatch.core.registry import unknown
from anchorwatch.core.times import from_micros, iso, micros
from anchorwatch.core.types import IncidentState, Stage
from anchorwatch.flow.ports import WHOLE
from anchorwatch.flow.pump import CONSUMERS
from anchorwatch.flow.times import window_at
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.defaults import main_metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.clock import Clock
    from anchorwatch.core.ports import Lake
    from anchorwatch.core.types import Rule
    from anchorwatch.flow.ports import Model
    from anchorwatch.flow.pump import Pump
    from anchorwatch.stores.inbox import Inbox
    from anchorwatch.stores.ledger.ledger import Ledger, Transaction

VERSION = "0.1.0"


class Queries:
    """Readings of one store; each method is one address of the API."""

    def __init__(self, ledger: Ledger, inbox: Inbox, lake: Lake, pump: Pump, clock: Clock) -> None:
        self._ledger = ledger
        self._inbox = inbox
        self._lake = lake
        self._pump = pump
        self._clock = clock
        self._opened = clock.monotonic()
        path = ledger.database.path
        self._disk = Disk(None if path is None else path.parent, clock)

    def models(self) -> list[dict[str, Any]]:
        """Every model with its health, volume and main metric."""
        with self._ledger.read() as books:
            return [card(books, model) for model in books.models.all()]

    def card(self, name: str) -> dict[str, Any]:
        """One model as `models` shows it."""
        with self._ledger.read() as books:
            return card(books, books.models.get(name))

    def zones(self) -> dict[str, str]:
        """The models' time zones by name, in the order of `models`."""
        with self._ledger.read() as books:
            return {model.spec.name: model.spec.timezone for model in books.models.all()}

    def model(self, name: str) -> dict[str, Any]:
        """One model: declaration, rules, versions, segments, measures."""
        with self._ledger.read() as books:
            model = books.models.get(name)
            whole = view_of(model).slice_id(books)
            base = model.spec.window.text
            first = None if whole is None else books.results.first(whole, base, 0)
            last = None if whole is None else books.results.latest(whole, base, FOREVER[1])
            return {
                "spec": model.spec.to_dict(),
                "rules": [asdict(rule) for rule in model.rules],
                "versions": _versions(books, model),
                "segments": _segments(books, model),
                "first": None if first is None else iso(first),
                "last": None if last is None else iso(window_at(last, base, model.spec.timezone)[1]),
                "window": base,
                "grains": grains_of(model),
                "measures": measures_of(model.spec.task),
                "columns": [{"name": item.name, "kind": item.kind.value} for item in model.spec.columns],
                "main_metric": main_metric(model.spec),
                "budget": round(sum(rule.budget or 0.0 for rule in model.rules), 3),
                "judged": {stage.value: _judged(books, model, stage) for stage in Stage},
            }

    def measures(self) -> list[dict[str, Any]]:
        """Every registered measure."""
        return [described(item) for item in MEASURES.values()]

    def series(
        self,
        model: str,
        measure: str,
        *,
        subject: str = "",
        grain: str | None = None,
        start: Moment = None,
        end: Moment = None,
        version: str = "",
        segment: str = "",
    ) -> dict[str, Any]:
        """One measure of one subject over time."""
        with self._ledger.read() as books:
            view = _view(books.models.get(model), grain, (start, end), version, segment)
            return series(books, view, measure, subject)

    def heatmap(
        self,
        model: str,
        measure: str = "drift",
        *,
        start: Moment = None,
        end: Moment = None,
        version: str = "",
        segment: str = "",
        buckets: int = 120,
    ) -> dict[str, Any]:
        """A measure of every column over time, worst column first."""
        with self._ledger.read() as books:
            return heatmap(
                books, _view(books.models.get(model), None, (start, end), version, segment), measure, buckets
            )

    def distribution(
        self,
        model: str,
        column: str,
        start: Moment = None,
        end: Moment = None,
        *,
        version: str = "",
        segment: str = "",
    ) -> dict[str, Any]:
        """A column in a span of time beside the reference."""
        with self._ledger.read() as books:
            view = _view(books.models.get(model), None, (start, end), version, segment)
            return compared(books, view, column)

    def results(
        self, model: str, start: Moment, grain: str | None = None, *, version: str = "", segment: str = ""
    ) -> dict[str, Any]:
        """Every measure of the window that holds `start`."""
        with self._ledger.read() as books:
            view = _view(books.models.get(model), grain, (start, None), version, segment)
            begin, end = window_at(view.start, view.grain, view.model.spec.timezone)
            return {
                "window": {"start": iso(begin), "end": iso(end), "grain": view.grain},
                "results": window_results(books, view, begin, end),
            }

    def span(
        self,
        model: str,
        start: Moment = None,
        end: Moment = None,
        *,
        version: str = "",
        segment: str = "",
        mature: bool = False,
    ) -> dict[str, Any]:
        """Every measure of all windows of a span together; with `mature`, of those whose outcomes are due."""
        with self._ledger.read() as books:
            view = _view(books.models.get(model), None, (start, end), version, segment)
            last = min(view.end, ripe(view.model)) if mature else view.end
            return {
                "window": {"start": iso(view.start), "end": None if last >= FOREVER[1] else iso(last)},
                "results": window_results(books, view, view.start, last) if last > view.start else [],
            }

    def confusion(
        self, model: str, start: Moment = None, end: Moment = None, *, version: str = "", segment: str = ""
    ) -> dict[str, Any]:
        """Outcomes against predicted labels in a span of time: rows are what came, columns what was predicted."""
        with self._ledger.read() as books:
            view = _view(books.models.get(model), None, (start, end), version, segment)
            return outcomes.confusion(books, view)

    def calibration(
        self,
        model: str,
        start: Moment = None,
        end: Moment = None,
        *,
        label: str = "",
        mass: bool = False,
        version: str = "",
        segment: str = "",
    ) -> dict[str, Any]:
        """How often a class came where it was given such and such a probability, beside the reference."""
        with self._ledger.read() as books:
            view = _view(books.models.get(model), None, (start, end), version, segment)
            return outcomes.calibration(books, view, label, mass=mass)

    def alarms(
        self, model: str, start: Moment = None, end: Moment = None, *, version: str = "", segment: str = ""
    ) -> dict[str, Any]:
        """What the model's sequential detectors raised in a span of time."""
        with self._ledger.read() as books:
            return outcomes.alarms(
                books, _view(books.models.get(model), None, (start, end), version, segment)
            )

    def over_reference(self, model: str) -> dict[str, Any]:
        """What each rule in force did over the reference's own windows."""
        return over_reference(self._ledger, model)

    def replayed(
        self, model: str, rules: Sequence[Rule] | None = None, start: Moment = None, end: Moment = None
    ) -> dict[str, Any]:
        """What rules would have fired over stored windows; without rules those in force."""
        span = {"start": moment(start, "start", FOREVER[0]), "end": moment(end, "end", FOREVER[1])}
        return replayed(self._ledger, model, rules, **span)

    def incidents(
        self,
        model: str | None = None,
        state: str | None = None,
        limit: int = 100,
        before: int | None = None,
        severity: str | None = None,
    ) -> list[dict[str, Any]]:
        """Incidents, newest first; `state` may be `open` for all that are not resolved."""
        with self._ledger.read() as books:
            if model:
                books.models.get(model)
            found = books.incidents.list(
                model=model or None, states=_states(state), before=before, limit=limit
            )
            return [
                incidents_view.brief(item)
                for item in found
                if not severity or item.severity.value == severity
            ]

    def incident(self, id: int) -> dict[str, Any]:  # noqa: A002 - the field's name
        """One incident with its findings and timeline."""
        with self._ledger.read() as books:
            incident = books.incidents.get(id)
            return incidents_view.full(incident, likely(books, incident))

    def predictions(
        self,
        model: str,
        *,
        start: Moment = None,
        end: Moment = None,
        version: str | None = None,
        id: str | None = None,  # noqa: A002 - the field's name
        filters: Sequence[dict[str, Any]] = (),
        limit: int = 100,
        after: str | None = None,
    ) -> dict[str, Any]:
        """Rows of the lake, newest first, each with its latest outcome."""
        with self._ledger.read() as books:
            spec = books.models.get(model).spec
        query = RowQuery(
            start=_at(start, "start"),
            end=_at(end, "end"),
            version=version or None,
            id=id or None,
            filters=tuple(RowFilter(item["column"], item["op"], item["value"]) for item in filters),
            limit=limit,
            after=after or None,
            horizon=spec.outcome_horizon,
        )
        page = self._lake.explore(model, query)
        rows = [[_plain(value) for value in row] for row in page.rows.iter_rows()]
        return {"columns": page.rows.columns, "rows": rows, "next": page.next}

    def status(self) -> dict[str, Any]:
        """How the store itself does."""
        depth = self._inbox.depth()
        newest = self._inbox.last()
        now = self._clock.now().timestamp()
        with self._ledger.read() as books:
            offsets = {name: books.offsets.get(name) for name in CONSUMERS}
            models = books.models.all()
            aside = [set_aside_body(item) for item in books.aside.list()]
        health = self._pump.health
        return {
            "version": VERSION,
            "uptime_s": round(self._clock.monotonic() - self._opened, 1),
            "models": len(models),
            "inbox": {
                "batches": depth.batches,
                "rows": depth.rows,
                "bytes": depth.bytes,
                "oldest_s": None if depth.oldest is None else max(round(now - depth.oldest / 1e6, 1), 0.0),
            },
            "consumers": [
                {
                    "name": name,
                    "offset": offset,
                    "lag_batches": max(newest - offset, 0),
                    "error": health.errors.get(name),
                }
                for name, offset in offsets.items()
            ],
            "errors": dict(health.errors),
            "set_aside": aside,
            "disk": self._disk.read(),
        }


def _at(given: Moment, name: str) -> datetime | None:
    return None if given is None or given == "" else from_micros(moment(given, name, 0))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(micros(value))
    return None if isinstance(value, float) and not isfinite(value) else value


def _judged(books: Transaction, model: Model, stage: Stage) -> str | None:
    last = books.judgements.last(model.id, stage)
    return None if last is None else iso(last)


def _view(model: Model, grain: str | None, span: tuple[Moment, Moment], version: str, segment: str) -> View:
    start = moment(span[0], "start", FOREVER[0])
    end = moment(span[1], "end", FOREVER[1])
    if end <= start:
        raise InputError(f"end: {span[1]} is not after start {span[0]}")
    return view_of(model, version=version, segment=segment, grain=grain, start=start, end=end)


def _states(text: str | None) -> tuple[IncidentState, ...]:
    if not text:
        return ()
    if text == "open":
        return (IncidentState.PENDING, IncidentState.FIRING)
    try:
        return (IncidentState(text),)
    except ValueError:
        raise InputError(unknown("state", text, ["open", *IncidentState])) from None


def _versions(books: Transaction, model: Model) -> list[dict[str, Any]]:
    return [
        {
            "version": item.version,
            "first_seen": None if item.first_at is None else iso(item.first_at),
            "last_seen": None if item.last_at is None else iso(item.last_at),
            "events": item.events,
            "has_reference": item.grid_id is not None and books.grids.reference(item.grid_id) is not None,
        }
        for item in books.models.versions(model.id)
    ]


def _segments(books: Transaction, model: Model) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in model.spec.segments}
    for item in books.models.slices(model.id):
        if item.every and item.segment != WHOLE:
            column, _, value = item.segment.partition("=")
            found.setdefault(column, []).append(value)
    return {column: sorted(values) for column, values in found.items()}
