"""The pages over a real store, and the made-up answers held against the real ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from tests.server.fake_queries import watch_of
from tests.server.fake_session import Client

from anchorwatch.app.embedded import Embedded, EmbeddedTransport
from anchorwatch.app.watch import Watch
from anchorwatch.client.options import ClientOptions
from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import Rule
from anchorwatch.server.app import create_app
from anchorwatch.testing import FrozenClock

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2013, 7, 1, 4, tzinfo=UTC)
SPEC = ModelSpec(
    name="late",
    task=Task.BINARY,
    columns=(Column("temp", Kind.NUMBER), Column("carrier", Kind.CATEGORY)),
    labels=("0", "1"),
    segments=("carrier",),
    window=Grain("1d"),
    timezone="America/New_York",
)
WARM = Rule(name="warm", measure="psi", columns=("temp",), above=0.2)
RULES = (WARM,)
TABS = (
    "",
    "/drift",
    "/quality",
    "/service",
    "/segments",
    "/versions",
    "/confusion",
    "/chart?measure=accuracy",
)


def flights(days: int, shift: float, seed: int) -> pl.DataFrame:
    """Two hundred flights a day, some of them late, at temperatures around `shift`."""
    rng = np.random.default_rng(seed)
    count = 200 * days
    score = rng.random(count)
    return pl.DataFrame(
        {
            "id": [f"{seed}-{number}" for number in range(count)],
            "at": [START + timedelta(minutes=7.2 * number) for number in range(count)],
            "version": "3",
            "prediction": (score > 0.5).astype(int),
            "score": score,
            "latency": rng.exponential(0.003, count),
            "temp": rng.normal(20 + shift, 5, count),
            "carrier": rng.choice(["UA", "AA"], count),
            "outcome": (score + rng.normal(0, 0.3, count) > 0.5).astype(int),
        }
    )


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """A store with three days of warm flights, all of them judged."""
    clock = FrozenClock(START + timedelta(days=4))
    watch = Watch.open(tmp_path_factory.mktemp("store"), clock=clock, start=False)
    client = Embedded(EmbeddedTransport(watch, "here", clock), ClientOptions())
    model = client.register(SPEC, flights(3, 0, 1), rules=RULES)
    found = flights(3, 15, 2)
    model.log_table(found.drop("outcome"))
    model.outcomes_table(found.select("id", "at", "outcome"))
    watch.settle()
    yield watch
    client.close()


@pytest.fixture(scope="module")
def asker(real: Watch) -> Client:
    """Somebody at the real application."""
    return Client(create_app(real))


def shape(value: Any) -> Any:
    """The keys of an answer, and of what its lists hold."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [shape(value[0])]
    return None


def lacking(made_up: Any, real_one: Any, at: str = "") -> list[str]:
    """What a made-up answer has that the real one has not."""
    if isinstance(made_up, dict) and isinstance(real_one, dict):
        gone = [f"{at}.{key}" for key in made_up if key not in real_one]
        return gone + [
            line
            for key in made_up
            if key in real_one
            for line in lacking(made_up[key], real_one[key], f"{at}.{key}")
        ]
    if isinstance(made_up, list) and isinstance(real_one, list):
        return lacking(made_up[0], real_one[0], f"{at}[]")
    return []


def test_every_page_is_served_over_a_real_store(asker: Client, real: Watch) -> None:
    """As HTML and as JSON, whatever the real answers hold."""
    number = real.queries.incidents()[0]["id"]
    day = "start=2013-07-02T04:00:00Z&end=2013-07-03T04:00:00Z"
    paths = (
        "/", "/incidents", f"/incidents/{number}", f"/incidents/{number}/chart",
        "/predictions?column=carrier&op=%3D&value=UA",
        "/predictions?model=late&column=_outliers&op=%3E&value=0", "/predictions/late/row?id=2-7",
        "/settings", "/settings/models/late", "/settings/models/late/rules",
        "/models/late/calibration", "/models/late/heat?measure=constant", "/models/late/drift?metric=psi",
        f"/models/late/distribution?column=temp&{day}",
        f"/models/late/distribution?column=_score&{day}", *(f"/models/late{tab}" for tab in TABS),
        *(f"/models/late{tab}?range=7d" for tab in TABS[:7]), f"/models/late?{day}&segment=carrier%3DUA&version=3",
    )  # fmt: skip
    told = {
        (path, kind): asker.get(path, headers={"Accept": kind}).status_code
        for path in paths
        for kind in ("text/html", "application/json")
    }
    assert {asked: status for asked, status in told.items() if status != 200} == {}


def test_what_is_made_up_has_the_shape_of_what_is_real(real: Watch) -> None:
    """Nothing that pages were built upon is missing in the real answers."""
    fake = watch_of().queries
    name, day = "flights-late-arrival", ("2013-07-02T04:00:00Z", "2013-07-03T04:00:00Z")
    number = real.queries.incidents()[0]["id"]
    pairs = {
        "models": (fake.models(), real.queries.models()),
        "model": (fake.model(name) | {"spec": {}, "segments": {}, "rules": []}, real.queries.model("late")),
        "series": (fake.series(name, "accuracy"), real.queries.series("late", "accuracy")),
        "heatmap": (fake.heatmap(name), real.queries.heatmap("late")),
        "distribution": (
            fake.distribution(name, "temp", *day) | {"measures": {}},
            real.queries.distribution("late", "temp", *day),
        ),
        "confusion": (fake.confusion(name), real.queries.confusion("late")),
        "calibration": (fake.calibration(name), real.queries.calibration("late")),
        "alarms": (fake.alarms(name) | {"alarms": []}, real.queries.alarms("late")),
        "over the reference": (fake.over_reference(name), real.queries.over_reference("late")),
        "replayed": (fake.replayed(name), real.queries.replayed("late", [WARM])),
        "incidents": (fake.incidents(), real.queries.incidents()),
        "incident": (fake.incident(7), real.queries.incident(number)),
        "predictions": (fake.predictions(name), real.queries.predictions("late")),
        "status": (fake.status(), real.queries.status()),
    }
    assert [
        line for what, (one, other) in pairs.items() for line in lacking(shape(one), shape(other), what)
    ] == []


def test_an_incident_of_a_real_store_is_handled(asker: Client, real: Watch) -> None:
    """The form of the page itself is sent back, as a browser would."""
    number = real.queries.incidents()[0]["id"]
    page = asker.get(f"/incidents/{number}").text
    word = page.split('name="csrf" value="')[1].split('"')[0]
    assert asker.post(f"/incidents/{number}/silence", data={"csrf": word, "for": "1h"}).status_code == 303
    assert asker.post(f"/incidents/{number}/acknowledge", data={"csrf": word}).status_code == 303
    assert asker.post(f"/incidents/{number}/acknowledge", data={"csrf": "guess"}).status_code == 403
    told = asker.get(f"/incidents/{number}.json").json()
    assert told["acknowledged_by"]
    assert told["silenced_until"]


def test_rules_are_tried_over_a_real_store(asker: Client, real: Watch) -> None:
    """What the box on the page answers: three warm days against a cool reference, and nothing of it is kept."""
    page = asker.get("/settings/models/late").text
    word = page.split('name="csrf" value="')[1].split('"')[0]
    before = (real.queries.incidents(), real.queries.model("late")["rules"])
    form = {"csrf": word, "days": "all", "rules": "- {drift: drift, above: 0.1, columns: [temp]}"}
    told = asker.post("/settings/models/late/try", data=form, headers={"Accept": "application/json"}).json()
    assert told["windows"] == 3
    assert [item["cause"] for item in told["incidents"]] == ["drift"]
    assert told["rules"][0]["breaches"] >= 2
    assert (real.queries.incidents(), real.queries.model("late")["rules"]) == before


def test_a_cell_says_what_kind_of_change_it_was(real: Watch) -> None:
    """Fifteen degrees warmer is a shift of three standard deviations; carriers did not change."""
    day = ("2013-07-02T04:00:00Z", "2013-07-03T04:00:00Z")
    warm, same = (real.queries.distribution("late", name, *day) for name in ("temp", "carrier"))
    assert warm["change"]["kind"] == "shift"
    assert warm["cause"]["column"] == "temp"
    assert (same["change"]["kind"], same["cause"]) == ("none", None)
