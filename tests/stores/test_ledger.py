"""The ledger: every book of it, its form, and what a transaction promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from anchorwatch.core.calendar import Window
from anchorwatch.core.errors import CorruptError, InputError, UnknownError
from anchorwatch.core.results import Results
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind, Finding, Incident, IncidentState, Rule, Severity, Stage, Verdict
from anchorwatch.flow.ports import Came, Kept, Measured, SetAside, Slice, Touched, Version
from anchorwatch.flow.runs import Run
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.engine import MIGRATIONS, NEWEST
from anchorwatch.stores.ledger.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorwatch.profile.profile import Profile
    from anchorwatch.stores.ledger.ledger import Transaction

AT = datetime(2013, 7, 1, tzinfo=UTC)
SPEC = ModelSpec(name="late", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))
GRID = build_grid(SPEC, None)


def profile(*values: float) -> Profile:
    """Of so many events."""
    frame = pl.DataFrame(
        {"_at": [AT] * len(values), "x": list(values), "_prediction": list(values)}
    ).with_columns(
        pl.lit(None, dtype=pl.String).alias("_error"), pl.lit(None, dtype=pl.Float64).alias("_latency")
    )
    return fold_inputs(frame, np.zeros(len(values), np.int64), 1, GRID)[0]


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger in memory with one model."""
    made = Ledger(None)
    with made.write() as books:
        books.models.save(SPEC, (Rule(name="r", measure="mae", above=1.0, columns=("x",)),), 5)
    yield made
    made.close()


@pytest.fixture
def books(ledger: Ledger) -> Iterator[Transaction]:
    """A transaction of it."""
    with ledger.write() as transaction:
        yield transaction


def test_the_steps_lead_to_the_form_that_is_declared(ledger: Ledger) -> None:
    """A migrated store has the tables of `tables.metadata`, and the newest step is the one opening looks for."""
    with ledger.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == NEWEST


def test_what_is_written_is_there_after_reopening(tmp_path: Path) -> None:
    """Opening a store again keeps all, and does not migrate anew."""
    for _ in range(2):
        ledger = Ledger(tmp_path / "ledger.db")
        with ledger.write() as books:
            seed = books.meta("seed", "first")
            books.models.save(SPEC, (), 0)
        ledger.close()
        assert seed == "first"
    with Ledger(tmp_path / "ledger.db").read() as books:
        assert [model.spec for model in books.models.all()] == [SPEC]
        assert books.meta("seed", "second") == "first"


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    """Told as damage, with the remedy."""
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CorruptError, match="restore it from a backup"):
        Ledger(tmp_path / "ledger.db")


def test_a_transaction_that_raises_leaves_nothing(ledger: Ledger) -> None:
    """Neither rows nor what was remembered of them: an id may be given again to another grid."""
    other = build_grid(SPEC, pl.DataFrame({"x": [1.0, 2.0]}))

    def broken() -> None:
        with ledger.write() as books:
            number = books.grids.put(1, GRID)
            assert books.grids.get(number).digest == GRID.digest
            books.offsets.set("roller", 9)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with ledger.write() as books:
        assert books.offsets.get("roller") == 0
        assert books.grids.get(books.grids.put(1, other)).digest == other.digest


def test_models(books: Transaction) -> None:
    """Declared, changed, found by near names; times only grow."""
    model = books.models.get("late")
    assert (model.spec, model.rules[0].columns, model.reached) == (SPEC, ("x",), None)
    with pytest.raises(UnknownError, match="did you mean 'late'"):
        books.models.get("lat")
    books.models.seen(model.id, EventKind.PREDICTIONS, 50, 1)
    books.models.seen(model.id, EventKind.PREDICTIONS, 40, 2)
    books.models.seen(model.id, EventKind.OUTCOMES, 70, 3)
    model = books.models.get("late")
    assert (model.watermark, model.outcomes_until, model.arrived_at, model.reached) == (50, 70, 3, 70)
    assert books.models.save(SPEC.evolve(threshold=0.7), (), 6).id == model.id


def test_versions_and_slices(books: Transaction) -> None:
    """Versions widen and count; slices are made once; a transaction sees what it wrote."""
    grid = books.grids.put(1, GRID)
    assert books.models.versions(1) == []
    for first, last, events in [(10, 20, 5), (5, 15, 2)]:
        books.models.touch(1, Version("1", grid, first, last, events))
    assert books.models.versions(1) == [Version("1", grid, 5, 20, 7)]
    assert books.models.slices(1) == {}
    wanted = [Slice("1"), Slice("", "c=a", every=True)]
    made = books.models.slice_ids(1, wanted)
    assert books.models.slice_ids(1, wanted[::-1]) == made == books.models.slices(1)


def test_grids_are_kept_once(books: Transaction, ledger: Ledger) -> None:
    """The same content has one id; references come back whole and by window."""
    grid = books.grids.put(1, GRID)
    assert books.grids.put(1, build_grid(SPEC, None)) == grid
    assert books.grids.reference(grid) is None
    books.grids.put_reference(grid, profile(1.0, 2.0), {7: profile(3.0)})
    found = books.grids.reference(grid)
    assert found is not None
    assert (found.profile.events, [(start, item.events) for start, item in found.windows]) == (2, [(7, 1)])
    books.grids.put_reference(grid, profile(1.0), {})
    again = books.grids.reference(grid)
    assert again is not None
    assert (again.profile.events, again.windows) == (1, ())


def test_profiles_add_up(books: Transaction) -> None:
    """Added, replaced, dropped and read by span, in order."""
    grid = books.grids.put(1, GRID)
    number = books.models.slice_ids(1, [Slice("1")])[Slice("1")]

    def kept(start: int, *values: float) -> Kept:
        return Kept(number, start, Stage.INPUTS, grid, profile(*values))

    books.profiles.add("1d", [kept(20, 1.0), kept(10, 2.0, 3.0)])
    books.profiles.add("1d", [kept(20, 4.0)])
    assert [(item.start, item.profile.events) for item in books.profiles.load([number], "1d", 0, 21)] == [
        (10, 2),
        (20, 2),
    ]
    assert books.profiles.load([number], "1d", 11, 20) == []
    assert books.profiles.load([number], "1h", 0, 99) == []
    assert books.profiles.grids([number], "1d", [20, 30]) == {(number, 20): grid}
    books.profiles.replace("1d", [kept(20, 9.0)])
    assert books.profiles.load([number], "1d", 20, 21)[0].profile.events == 1
    books.profiles.drop([number], "1d", 20, Stage.OUTCOMES)
    assert len(books.profiles.load([number], "1d", 0, 99)) == 2
    books.profiles.drop([number], "1d", 20, Stage.INPUTS)
    assert [item.start for item in books.profiles.load([number], "1d", 0, 99)] == [10]


def test_results_by_time(books: Transaction) -> None:
    """Saved, replaced, and found first, latest, recent and in a span."""
    number = books.models.slice_ids(1, [Slice("1")])[Slice("1")]

    def measured(start: int, value: float) -> Measured:
        panel = (Results.of("mae", [""], value, n=3), Results.of("psi", ["x"], 0.1, n=3))
        return Measured(number, "1d", start, start + 10, 3, 2, panel)

    books.results.save([measured(start, 1.0) for start in (10, 20, 30)])
    books.results.save([measured(20, 5.0)])
    assert (books.results.first(number, "1d", 11), books.results.first(number, "1d", 31)) == (20, None)
    assert (books.results.latest(number, "1d", 30), books.results.latest(number, "1d", 10)) == (20, None)
    assert (books.results.recent(number, "1d", 2), books.results.recent(number, "1d", 9)) == (20, 10)
    found = books.results.panels(number, "1d", 15, 30, {"mae"})
    assert [(item.start, item.finish, item.events, item.joined) for item in found] == [(20, 30, 3, 2)]
    assert [(one.measure, one.value.tolist()) for one in found[0].panel] == [("mae", [5.0])]


def test_work(books: Transaction) -> None:
    """A window that must be rebuilt stays until it was; rows to leave out are told until forgotten."""
    books.work.mark(1, [Touched(20, 30), Touched(10, 20, rebuild=True)])
    books.work.mark(1, [Touched(10, 20)])
    assert books.work.touched(1) == [Touched(10, 20, rebuild=True), Touched(20, 30)]
    books.work.done(1, [10, 20])
    assert books.work.touched(1) == [Touched(10, 20, rebuild=True)]
    books.work.rebuilt(1, 10)
    books.work.done(1, [10])
    assert books.work.touched(1) == []
    books.work.drop_rows(4, np.array([1, 3], np.int32))
    assert {seq: rows.tolist() for seq, rows in books.work.dropped_rows([3, 4]).items()} == {4: [1, 3]}
    books.work.forget_dropped(4)
    assert books.work.dropped_rows([4]) == {}


def test_outcomes_wait_for_their_predictions(books: Transaction) -> None:
    """The newest of a key, once; old ones are let go."""
    keys = np.array([[1, 2], [3, 4], [5, 6]], np.uint64)
    books.outcomes.hold(1, keys[:2], Came(np.array([1.0, np.nan]), np.array([3, 4])), 10)
    books.outcomes.hold(1, keys[:1], Came(np.array([7.0]), np.array([5])), 20)
    places, came = books.outcomes.claim(1, keys[[2, 0]])
    assert (places.tolist(), came.values.tolist(), came.at.tolist()) == ([1], [7.0], [5])
    assert books.outcomes.claim(1, keys[[2, 0]])[0].size == 0
    assert books.outcomes.expire(1, 10) == 0
    assert books.outcomes.expire(1, 11) == 1


def test_days_of_outcomes_are_noted_once(books: Transaction) -> None:
    """By window, in order; other windows and models have their own."""
    books.outcomes.note_days(1, [(10, 7), (10, 3), (20, 5)])
    books.outcomes.note_days(1, [(10, 7)])
    assert [books.outcomes.days(1, start) for start in (10, 20, 30)] == [[3, 7], [5], []]
    assert books.outcomes.days(2, 10) == []


def test_batches_set_aside_are_kept_by_consumer(books: Transaction) -> None:
    """With all they came with, until they are done; a second failure replaces what the first one said."""
    item = SetAside(
        seq=4,
        consumer="joiner",
        model="late",
        kind=EventKind.OUTCOMES,
        rows=2,
        at=9,
        reason="ValueError: no",
        since=10,
        payload=b"rows",
        dropped=np.array([1], np.int32),
    )
    books.aside.put(item)
    books.aside.put(replace(item, tries=2))
    books.aside.put(replace(item, consumer="archiver", dropped=None))
    books.aside.put(replace(item, seq=2, model="other"))
    heads = [(one.seq, one.consumer, one.tries, one.payload) for one in books.aside.list()]
    assert heads == [(2, "joiner", 1, b""), (4, "archiver", 1, b""), (4, "joiner", 2, b"")]
    assert [one.seq for one in books.aside.list("other")] == [2]
    whole = books.aside.get(4, "joiner")
    assert (whole.payload, whole.kind, whole.reason) == (b"rows", EventKind.OUTCOMES, "ValueError: no")
    assert whole.dropped is not None
    assert whole.dropped.tolist() == [1]
    assert books.aside.get(4, "archiver").dropped is None
    books.aside.drop(4, "joiner")
    with pytest.raises(UnknownError, match="not set aside"):
        books.aside.get(4, "joiner")


def finding(start: datetime, verdict: Verdict, **changes: Any) -> Finding:
    """What a rule said of a window."""
    given: dict[str, Any] = {
        "model": "late",
        "rule": "r",
        "measure": "psi",
        "subject": "x",
        "window": Window(start, start),
        "verdict": verdict,
        "reason": "why",
    }
    return Finding(**given | changes)


def test_judgements(books: Transaction) -> None:
    """Only breaches are kept, judged again they are replaced; states and the newest window are remembered."""
    judgements = books.judgements
    judgements.record(1, 10, ["psi"], [finding(AT, Verdict.BREACH), finding(AT, Verdict.OK, subject="y")])
    judgements.record(1, 20, ["psi"], [finding(AT, Verdict.BREACH, segment="c=a")])
    assert judgements.breaches(1, "psi", 0, 99) == {(10, "x", "", ""), (20, "x", "", "c=a")}
    judgements.record(1, 10, ["mae"], [])
    assert len(judgements.breaches(1, "psi", 0, 99)) == 2
    judgements.record(1, 10, ["psi"], [])
    assert judgements.breaches(1, "psi", 0, 99) == {(20, "x", "", "c=a")}
    assert judgements.last(1, Stage.INPUTS) is None
    for start in (20, 10, 20):
        judgements.judged(1, Stage.INPUTS, start)
    assert (judgements.last(1, Stage.INPUTS), judgements.last(1, Stage.OUTCOMES)) == (20, None)
    assert judgements.state(1, "inputs") is None
    judgements.keep_state(1, "inputs", "a")
    judgements.keep_state(1, "inputs", "b")
    assert judgements.state(1, "inputs") == "b"


def test_incidents(books: Transaction) -> None:
    """Numbered, found by state and model, and the latest of each cause for judging."""

    def made(cause: str, state: IncidentState) -> Incident:
        return books.incidents.save(
            Incident(
                model="late", cause=cause, state=state, opened_at=AT, updated_at=AT, severity=Severity.PAGE
            )
        )

    old, new = made("drift", IncidentState.RESOLVED), made("drift", IncidentState.FIRING)
    other = made("volume", IncidentState.PENDING)
    assert len({old.id, new.id, other.id} - {0}) == 3
    assert {item.id for item in books.judgements.open_incidents(1)} == {new.id, other.id}
    assert [item.id for item in books.incidents.list()] == [other.id, new.id, old.id]
    assert books.incidents.list(states=[IncidentState.FIRING]) == [new]
    assert books.incidents.list(model="late", before=new.id) == [old]
    assert books.incidents.list(model="other") == []
    books.incidents.save(new.evolve(summary="changed"))
    assert books.incidents.get(new.id).summary == "changed"
    with pytest.raises(UnknownError, match="no incident has the number 99"):
        books.incidents.get(99)


def test_runs(books: Transaction) -> None:
    """Live from being added to being removed, newest first, by kind."""
    runs = [Run(f"r{at}", 1, EventKind.PREDICTIONS, 0, 0, 5, at, at) for at in (10, 30, 20)]
    for run in runs:
        books.runs.add(run)
    assert [run.newest for run in books.runs.list(1, EventKind.PREDICTIONS)] == [30, 20, 10]
    assert books.runs.list(1, EventKind.OUTCOMES) == []
    books.runs.remove(["r30"])
    assert books.runs.names() == {"r10", "r20"}


def test_tokens(ledger: Ledger) -> None:
    """Issued once, known by their text alone, kept as a hash, gone when revoked."""
    tokens = ledger.tokens
    assert not tokens.any()
    number, secret = tokens.issue("ci", ["read", "ingest"])
    assert tokens.any()
    known = tokens.check(secret.reveal())
    assert known is not None
    assert (known.name, known.scopes, known.may("read"), known.may("operate")) == (
        "ci",
        {"ingest", "read"},
        True,
        False,
    )
    for wrong in (secret.reveal()[:-1] + "-", "aw_000000000000_" + "a" * 43, "", "Bearer x"):
        assert tokens.check(wrong) is None
    with ledger.database.read() as connection:
        row = connection.execute(sa.select(tables.tokens)).one()
    assert secret.reveal().rpartition("_")[2] not in repr(row)
    tokens.revoke(number)
    assert tokens.check(secret.reveal()) is None
    assert [(item.id, item.revoked_at is not None) for item in tokens.list()] == [(number, True)]
    with pytest.raises(UnknownError, match="no live token"):
        tokens.revoke(number)
    for name, scopes in [("x", ["root"]), ("x", []), (" ", ["read"])]:
        with pytest.raises(InputError):
            tokens.issue(name, scopes)
    _, admin = tokens.issue("boss", ["admin"])
    principal = tokens.check(admin.reveal())
    assert principal is not None
    assert principal.may("operate")
