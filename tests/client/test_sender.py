from __future__ import annotations

import asyncio
import logging
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest

import anchorwatch.client as aw
from anchorwatch.client.sender import backoff
from anchorwatch.client.tally import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Connect = Callable[..., aw.Watching]


def numbers(server: Any) -> list[int]:
    """The feature `n` of every event the server holds, in order of arrival."""
    return [event["features"]["n"] for event in server.events]


def await_packed(model: aw.Model) -> None:
    """Wait, while the server is away, until every event is in a batch."""
    while model._sender.buffer.queue or not model._sender._packer.idle:
        assert not model.flush(0.05)


def test_events_arrive_in_order_batched_and_compressed(server: Any, connect: Connect) -> None:
    """A hundred predictions and their outcomes travel in a few requests."""
    model = connect(linger=30.0).model("m")
    ids = [model.log({"n": number}, prediction=number % 2) for number in range(100)]
    for name in ids:
        model.outcome(name, 1)
    assert model.flush()
    predictions, outcomes = server.batches.values()
    assert [event["id"] for event in predictions] == [event["id"] for event in outcomes] == ids
    assert {request[2]["Content-Encoding"] for request in server.requests} == {"gzip"}
    assert [request[1] for request in server.requests] == [
        "/api/v1/models/m/predictions?on_error=keep",
        "/api/v1/models/m/outcomes?on_error=keep",
    ]
    assert model.stats == aw.Stats(accepted=200, sent=200)


def test_lingering_events_leave_by_themselves(server: Any, connect: Connect) -> None:
    """Without a flush, an event is sent when it has waited long enough."""
    connect(linger=0.01).model("m").log({"n": 1}, prediction=1)
    assert server.wait(lambda: len(server.batches) == 1)


@pytest.mark.parametrize(
    "fault",
    [
        (500, {}),
        (503, {"Retry-After": "0"}),
        (429, {"Retry-After": "0.01"}),
        (408, {}),
        (401, {}),
        (302, {}),
        "cut",
        "refuse",
    ],
    ids=str,
)
def test_a_failed_batch_is_tried_again_under_its_first_key(fault: Any, server: Any, connect: Connect) -> None:
    """Whatever way the server fails, each event is held once in the end."""
    model = connect().model("m")
    if fault == "refuse":
        server.stop()
    else:
        server.faults.extend([fault] * 3)
    model.log({"n": 1}, prediction=1)
    if fault == "refuse":
        assert not model.flush(0.05)
        server.start()
    assert model.flush()
    assert numbers(server) == [1]
    assert len(set(server.attempts)) == 1
    assert len(server.attempts) == (1 if fault == "refuse" else 4)
    assert model.stats == aw.Stats(accepted=1, sent=1)


def test_a_hanging_server_is_given_up_and_tried_again(server: Any, connect: Connect) -> None:
    """Silence ends with the time-out; `log` does not notice."""
    model = connect(timeout=0.05).model("m")
    server.faults.append("hang")
    model.log({"n": 1}, prediction=1)
    assert model.flush()
    assert numbers(server) == [1]
    assert len(server.attempts) == 2


def test_a_refused_batch_is_dropped_and_told(server: Any, connect: Connect, caplog: Any) -> None:
    """What can never be taken does not stand in the way of what can."""
    drops: list[aw.Drop] = []
    watch = connect(on_drop=drops.append)
    server.faults.append((422, {}))
    with caplog.at_level(logging.WARNING, "anchorwatch.client"):
        watch.model("bad").log({"n": 1}, prediction=1)
        assert watch.flush()
    watch.model("good").log({"n": 2}, prediction=1)
    assert watch.flush()
    assert numbers(server) == [2]
    assert drops == [aw.Drop("bad", aw.Reason.REFUSED, 1, "told to fail")]
    assert "1 events of model 'bad' dropped (refused): told to fail" in caplog.text
    assert watch.model("bad").dropped == 1


def test_rejected_rows_are_counted_and_told(server: Any, connect: Connect, caplog: Any) -> None:
    """Good rows count as sent, bad ones as rejected, with the first reason in the log."""
    model = connect().model("m")
    server.reject = lambda event: event["features"]["n"] == 1
    with caplog.at_level(logging.WARNING, "anchorwatch.client"):
        for number in range(3):
            model.log({"n": number}, prediction=1)
        assert model.flush()
    assert (model.stats.sent, model.stats.rejected) == (2, 1)
    assert "column 'x': is odd" in caplog.text


def test_bad_events_cost_themselves_alone(server: Any, connect: Connect, caplog: Any) -> None:
    """Unreadable and unspeakable features are counted; the caller and its neighbours notice nothing."""
    model = connect().model("m")
    with caplog.at_level(logging.WARNING, "anchorwatch.client"):
        for features in ({"n": 1}, None, 3, {"n": object()}, {"n": "x" * (3 << 20)}, {"n": 2}):
            assert model.log(features, prediction=1)
        assert model.flush()
    assert numbers(server) == [1, 2]
    assert model.stats.dropped == {"invalid": 3, "too_large": 1}


def test_memory_is_bounded_in_an_outage(server: Any, connect: Connect) -> None:
    """Without a spool the oldest batches go, and every event is accounted for."""
    server.always = (503, {})
    model = connect(buffer_bytes=2_000, batch_events=10, compress=False).model("m")
    for number in range(1_000):
        model.log({"n": number}, prediction=1)
    await_packed(model)
    stats = model.stats
    assert stats.queued <= 40
    assert stats.queued + stats.dropped["buffer_full"] == 1_000
    server.always = None
    assert model.flush()
    kept = numbers(server)
    assert kept == sorted(kept)
    assert kept[-1] == 999
    assert 1 < len(kept) <= 40
    assert model.stats.sent + model.dropped == 1_000


def test_an_outage_is_survived_on_disk_in_order(server: Any, connect: Connect, tmp_path: Path) -> None:
    """With a spool nothing is lost, nothing doubled, and the order holds."""
    model = connect(spool=tmp_path, batch_events=10, buffer_bytes=10_000).model("m")
    server.stop()
    for number in range(500):
        model.log({"n": number}, prediction=1)
    await_packed(model)
    assert model.stats.spooled >= 490
    server.start()
    assert model.flush()
    assert numbers(server) == list(range(500))
    assert model.stats == aw.Stats(accepted=500, sent=500)
    assert list(tmp_path.glob("*/*.seg")) == []


def test_what_a_closed_client_could_not_send_the_next_one_does(
    server: Any, connect: Connect, tmp_path: Path
) -> None:
    """The spool is handed over, under the same keys."""
    server.always = (503, {})
    first = connect(spool=tmp_path, batch_events=10)
    for number in range(25):
        first.model("m").log({"n": number}, prediction=1)
    assert not first.close(0.05)
    tried = set(server.attempts)
    server.always = None
    heir = connect(spool=tmp_path).model("m")
    heir.log({"n": 25}, prediction=1)
    assert heir.flush()
    assert server.wait(lambda: len(server.events) == 26)
    assert numbers(server) == list(range(26))
    assert tried <= set(server.batches)
    assert heir.stats.adopted == 25


@pytest.mark.parametrize("when_full", list(aw.WhenFull))
def test_a_full_spool_drops_by_choice(
    when_full: aw.WhenFull, server: Any, connect: Connect, tmp_path: Path
) -> None:
    """The bound on disk holds; the oldest or the newest go, and every event is accounted for."""
    server.always = (503, {})
    model = connect(
        spool=tmp_path,
        spool_bytes=20_000,
        buffer_bytes=1_000,
        batch_events=10,
        compress=False,
        when_full=when_full,
    ).model("m")
    for number in range(1_000):
        model.log({"n": number}, prediction=1)
    await_packed(model)
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*.seg")) <= 20_000
    server.always = None
    assert model.flush()
    kept = numbers(server)
    assert kept == sorted(kept)
    assert (100 in kept) == (when_full is aw.WhenFull.DROP_NEWEST)
    assert (900 in kept) == (when_full is aw.WhenFull.DROP_OLDEST)
    stats = model.stats
    assert len(kept) == stats.sent == 1_000 - model.dropped
    assert stats.queued == stats.spooled == 0


def test_after_the_end_events_are_counted_as_dropped(server: Any, connect: Connect) -> None:
    """A closed client still never raises."""
    watch = connect()
    model = watch.model("m")
    model.log({"n": 1}, prediction=1)
    assert watch.close()
    model.log({"n": 2}, prediction=1)
    assert numbers(server) == [1]
    assert model.stats == aw.Stats(accepted=2, sent=1, dropped={"closed": 1})


def test_a_broken_callback_does_not_stop_the_sender(server: Any, connect: Connect, caplog: Any) -> None:
    """`on_drop` is the user's; its mistakes are logged and survived."""

    def broken(_drop: aw.Drop) -> None:
        raise RuntimeError("mine")

    model = connect(on_drop=broken).model("m")
    with caplog.at_level(logging.ERROR, "anchorwatch.client"):
        model.log({"n": object()}, prediction=1)
        model.log({"n": 1}, prediction=1)
        assert model.flush()
    assert numbers(server) == [1]
    assert "on_drop raised" in caplog.text


def test_threads_and_coroutines_log_at_once(server: Any, connect: Connect) -> None:
    """Eight threads, each with an event loop of coroutines: every event once, every id its own."""
    model = connect(batch_events=500).model("m")
    ids: list[str] = []

    async def one(number: int) -> None:
        ids.append(model.log({"n": number}, prediction=1))
        await asyncio.to_thread(lambda: None) if number % 100 == 0 else None
        ids.append(model.log({"n": number}, prediction=1))

    async def many() -> None:
        await asyncio.gather(*(one(number) for number in range(200)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.flush()
    assert len(set(ids)) == 8 * 400
    assert sorted(event["id"] for event in server.events) == sorted(ids)


def test_backoff_grows_to_its_cap_and_is_even() -> None:
    """Waits are drawn from zero to a doubling bound; a server's own wish is respected."""
    options = aw.ClientOptions(backoff=1.0, backoff_cap=8.0)
    chance = random.Random(3)
    means = [sum(backoff(n, options, chance, None) for _ in range(4000)) / 4000 for n in range(6)]
    assert means == pytest.approx([0.5, 1, 2, 4, 4, 4], rel=0.06)
    assert 20.0 <= backoff(0, options, chance, 20.0) <= 21.0
    assert backoff(10**6, options, chance, None) <= 8.0


def test_reports_come_once_a_minute_with_the_whole_count(caplog: Any) -> None:
    """A storm of drops makes one line a minute, and no drop is left out of the sum."""
    now = 0.0
    reporter = Reporter(clock=lambda: now)
    with caplog.at_level(logging.WARNING, "anchorwatch.client"):
        for second in range(121):
            now = float(second)
            reporter.drop(aw.Drop("m", aw.Reason.BUFFER_FULL, 2))
    assert [record.args[0] for record in caplog.records] == [2, 120, 120]
