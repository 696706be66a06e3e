"""A watch in the process and one behind a server are the same watch to whoever logs."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import uvicorn

import anchorwatch as aw
from anchorwatch.app.watch import Watch
from anchorwatch.server.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
SPEC = aw.ModelSpec.from_dict(
    {"name": "rides", "task": "regression", "columns": {"temp": "number", "sky": "category"}}
)
ROWS = [
    (f"e{index}", BEGIN + timedelta(hours=index), index / 2, "clear" if index % 2 else "rain")
    for index in range(48)
]
TABLE = pl.DataFrame(
    [
        {"id": name, "at": at, "temp": temp, "sky": sky, "prediction": temp, "outcome": temp + 1}
        for name, at, temp, sky in ROWS
    ]
)


class Served(uvicorn.Server):
    """A server that says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets)
        self.up.set()


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[Any, Callable[[], None]]]:
    """In this process."""
    with aw.open(folder) as watch:
        yield watch, watch.settle


@contextmanager
def served(folder: Path) -> Iterator[tuple[Any, Callable[[], None]]]:
    """Behind a real server on a port of this machine."""
    with Watch.open(folder) as store:
        server = Served(uvicorn.Config(create_app(store), host="127.0.0.1", port=0, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        assert server.up.wait(30)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            with aw.connect(f"http://127.0.0.1:{port}") as watch:

                def settle() -> None:
                    watch.flush(30)
                    store.settle()

                yield watch, settle
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture(params=[embedded, served], ids=["open", "connect"])
def watching(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, Callable[[], None]]]:
    """A watch and a way to have all that was logged worked off."""
    with request.param(tmp_path / "store") as pair:
        yield pair


def figures(model: Any, measure: str, subject: str = "") -> list[float | None]:
    """The values of a series."""
    return list(model.series(measure, subject=subject)["value"])


def test_events_one_by_one(watching: tuple[Any, Callable[[], None]]) -> None:
    """Logged with their outcomes, they are in their windows."""
    watch, settle = watching
    model = watch.register(SPEC)
    for name, at, temp, sky in ROWS:
        assert model.log({"temp": temp, "sky": sky}, prediction=temp, id=name, at=at) == name
        model.outcome(name, temp + 1, at=at)
    settle()
    assert figures(model, "throughput") == [24, 24]
    assert figures(model, "mae") == [1.0, 1.0]
    assert model.dropped == 0


def test_tables_count_once(watching: tuple[Any, Callable[[], None]]) -> None:
    """A table logged again under its batch's name changes nothing."""
    watch, settle = watching
    model = watch.register(SPEC, reference=TABLE)
    receipts = [model.log_table(TABLE.drop("outcome"), batch="january") for _ in range(2)]
    assert [(one.accepted, one.duplicate) for one in receipts] == [(48, False), (48, True)]
    model.outcomes_table(TABLE.select("id", "at", "outcome"))
    settle()
    assert figures(model, "throughput") == [24, 24]
    assert figures(model, "mae") == [1.0, 1.0]
    assert len(figures(model, "psi", "temp")) == 2


def test_bad_rows_are_told_alike(watching: tuple[Any, Callable[[], None]]) -> None:
    """Rows of a table that will not do come back with their column and reason; the others count."""
    watch, settle = watching
    model = watch.register(SPEC)
    table = TABLE.drop("outcome").with_columns(
        pl.when(pl.col("id") == "e3").then(None).otherwise(pl.col("prediction")).alias("prediction")
    )
    receipt = model.log_table(table)
    assert (receipt.accepted, receipt.rejected_count, receipt.rejected[0].row) == (47, 1, 3)
    settle()
    assert figures(model, "throughput") == [23, 24]


def test_what_is_wrong_is_refused_in_the_same_words(watching: tuple[Any, Callable[[], None]]) -> None:
    """An unknown model, measure or change raises one of ours that says what would do."""
    watch, _ = watching
    model = watch.register(SPEC)
    with pytest.raises(aw.AnchorwatchError, match="did you mean 'mse'"):
        model.series("mea")
    with pytest.raises(aw.AnchorwatchError, match="did you mean 'rides'"):
        watch.model("ride").series("mae")
    with pytest.raises(aw.AnchorwatchError, match="needs a new model"):
        watch.register(SPEC.evolve(timezone="Europe/Paris"))
    with pytest.raises(aw.AnchorwatchError, match="lacks the input 'temp'"):
        watch.register(SPEC, reference=TABLE.drop("temp"))


def test_models_and_incidents_are_listed(watching: tuple[Any, Callable[[], None]]) -> None:
    """By name; no incident where nothing is wrong."""
    watch, settle = watching
    watch.register(SPEC)
    settle()
    assert [item["name"] for item in watch.models()] == ["rides"]
    assert watch.incidents() == []
    assert watch.model("rides").incidents() == []
