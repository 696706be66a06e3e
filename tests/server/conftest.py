"""The API over a real watch in a temporary folder, at a standing time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchorwatch.app.watch import Watch
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.server.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
COLUMNS = (Column("x", Kind.NUMBER), Column("carrier", Kind.CATEGORY))
LATE = ModelSpec(name="late", task=Task.BINARY, columns=COLUMNS, labels=("0", "1"), segments=("carrier",))
DELAY = ModelSpec(name="delay", task=Task.REGRESSION, columns=COLUMNS)


@dataclass
class HandClock:
    """Stands still until it is moved."""

    seconds: float = 0.0

    def now(self) -> datetime:
        """The tenth of January."""
        return NOW

    def monotonic(self) -> float:
        """As far as it was moved."""
        return self.seconds


@dataclass(frozen=True)
class Api:
    """An application over a watch, asked from this machine unless told otherwise."""

    watch: Watch
    app: FastAPI
    clock: HandClock

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request under `/api/v1`."""
        return self.at_once([(method, path, options)])[0]

    def at_once(
        self,
        requests: list[tuple[str, str, dict[str, Any]]],
        host: str = "localhost",
        client: str = "127.0.0.1",
    ) -> list[httpx.Response]:
        """Answers to requests that are sent at the same time."""

        async def ask() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=self.app, client=(client, 50_000), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as asking:
                return await asyncio.gather(
                    *(
                        asking.request(method, f"/api/v1{path}", **options)
                        for method, path, options in requests
                    )
                )

        return asyncio.run(ask())

    def token(self, *scopes: str) -> dict[str, str]:
        """Headers of a new token."""
        _, secret = self.watch.ledger.tokens.issue("-".join(scopes), scopes)
        self.clock.seconds += 10
        return {"Authorization": f"Bearer {secret.reveal()}"}

    def filled(self) -> Api:
        """With a day of predictions, and outcomes of half of them."""
        rows = [
            prediction(f"e{index}", at=f"2026-01-0{1 + index % 5}T0{index % 10}:00:00Z")
            for index in range(40)
        ]
        self.ask("POST", "/models/late/predictions", json=rows)
        outcomes = [
            {"id": f"e{index}", "at": "2026-01-08T00:00:00Z", "outcome": index % 2} for index in range(20)
        ]
        self.ask("POST", "/models/late/outcomes", json=outcomes)
        self.watch.settle()
        return self


def prediction(name: str, **changes: Any) -> dict[str, Any]:
    """An event of the model `late`."""
    event = {
        "id": name,
        "at": "2026-01-05T08:00:00Z",
        "version": "1",
        "prediction": 1,
        "score": 0.8,
        "features": {"x": 1.5, "carrier": "UA"},
    }
    return {**event, **changes}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A watch with two models and its API, asked from this machine."""
    clock = HandClock()
    with Watch.open(tmp_path / "store", clock=clock, start=False) as watch:
        watch.apply(LATE)
        watch.apply(DELAY)
        app = create_app(watch, clock=clock)
        yield Api(watch, app, clock)
        app.state.door.intake.close()
