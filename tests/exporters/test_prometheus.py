"""What `/metrics` says."""

from __future__ import annotations

import asyncio
import math
import subprocess
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_classic
from tests.exporters.material import FARES, LATE, NOW, declare, feed, rows, tool

from anchorwatch.app.exposition import Exposition
from anchorwatch.app.watch import Watch
from anchorwatch.exporters import prometheus_names as names
from anchorwatch.exporters.prometheus_text import Family, number, render
from anchorwatch.server.app import create_app

if TYPE_CHECKING:
    from tests.exporters.material import HandClock

OTHERS = {"anchorwatch_disk_free_bytes", "anchorwatch_store_bytes"}
"""What else on this machine may change meanwhile."""
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

Labels = dict[str, str]


def scraped(exposition: Exposition) -> dict[str, list[tuple[Labels, float]]]:
    """Samples by name, as Prometheus's own client reads them."""
    text, _ = exposition.text(OPENMETRICS)
    found: dict[str, list[tuple[Labels, float]]] = {}
    for family in read_openmetrics(text):
        for sample in family.samples:
            if sample.name not in OTHERS:
                found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def one(found: dict[str, list[tuple[Labels, float]]], name: str, **labels: str) -> float:
    """The only sample of a name that has these labels."""
    (value,) = [value for have, value in found[name] if labels.items() <= have.items()]
    return value


@pytest.fixture
def exposition(watch: Watch, clock: HandClock) -> Exposition:
    """Of the watch with two models."""
    return Exposition(watch, clock)


def test_both_forms_hold_the_same_samples(exposition: Exposition) -> None:
    """Prometheus's own parsers read both forms and find the same numbers."""
    modern, kind = exposition.text(OPENMETRICS)
    classic, plain = exposition.text("text/plain")
    assert kind.startswith("application/openmetrics-text")
    assert plain.startswith("text/plain; version=0.0.4")
    assert modern.endswith("# EOF\n")

    def samples(families: Any) -> Counter[Any]:
        return Counter(
            (sample.name, tuple(sorted(sample.labels.items())), sample.value)
            for family in families
            for sample in family.samples
            if sample.name not in OTHERS
        )

    assert samples(read_openmetrics(modern)) == samples(read_classic(classic))


def test_promtool_finds_nothing_to_say(exposition: Exposition) -> None:
    """`promtool check metrics` knows the naming guide and has no complaint."""
    classic, _ = exposition.text()
    done = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=classic, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_figures_are_those_of_the_newest_complete_window(watch: Watch, exposition: Exposition) -> None:
    """Every value of every measure is the one that the API has for the window whose end is told."""
    found = scraped(exposition)
    compared = 0
    for spec in (FARES, LATE):
        for stage in ("inputs", "outcomes"):
            end = one(found, "anchorwatch_window_end_timestamp_seconds", model=spec.name, stage=stage)
            assert NOW.timestamp() - end <= 3 * 3600
            start = NOW + timedelta(seconds=end - NOW.timestamp()) - timedelta(hours=1)
            for item in watch.queries.results(spec.name, start.isoformat())["results"]:
                about = names.MEASURES[item["measure"]]
                family = names.of_measure(item["measure"])
                if about.stage.value != stage or family.sample not in found or item["value"] is None:
                    continue
                of = {names.subject_label(about): item["subject"]} if item["subject"] else {}
                told = one(found, family.sample, model=spec.name, **of)
                assert told == pytest.approx(item["value"], rel=1e-6, abs=1e-12), family.sample
                compared += 1
    assert compared > 60


def test_counts_and_latencies_of_the_window(exposition: Exposition) -> None:
    """The histogram counts each latency once, its sum over its count is the mean that is told."""
    found = scraped(exposition)
    assert one(found, "anchorwatch_window_predictions", model="fares") == 200
    assert one(found, "anchorwatch_window_errors", model="fares") == 0
    buckets = [
        value
        for labels, value in found["anchorwatch_window_latency_seconds_bucket"]
        if labels["model"] == "fares"
    ]
    assert buckets == sorted(buckets)
    count = one(found, "anchorwatch_window_latency_seconds_gcount", model="fares")
    total = one(found, "anchorwatch_window_latency_seconds_gsum", model="fares")
    assert buckets[-1] == count == 200
    assert total / count == pytest.approx(
        one(found, "anchorwatch_service_latency_mean_seconds", model="fares")
    )
    p95 = one(found, "anchorwatch_service_latency_p95_seconds", model="fares")
    under = one(found, "anchorwatch_window_latency_seconds_bucket", model="fares", le="0.1")
    assert (p95 <= 0.1) == (under / count >= 0.95)


def test_predictions_add_up_over_versions(exposition: Exposition) -> None:
    """The counter holds every prediction ever taken, by version."""
    found = scraped(exposition)
    versions = {
        labels["version"]: value
        for labels, value in found["anchorwatch_predictions_total"]
        if labels["model"] == "late"
    }
    assert versions == {"1": 1800, "2": 600}
    assert one(found, "anchorwatch_version_window_predictions", model="late", version="2") == 50


def test_incidents_are_told_with_zeros(watch: Watch, exposition: Exposition) -> None:
    """The degraded model fires for drift and performance; the healthy one has the same series at 0."""
    found = scraped(exposition)
    assert one(found, "anchorwatch_incident_firing", model="fares", cause="drift") == 1
    assert one(found, "anchorwatch_incident_firing", model="fares", cause="performance", severity="page") == 1
    assert one(found, "anchorwatch_incident_firing", model="late", cause="drift") == 0
    listed = Counter(
        (item["state"], item["severity"]) for item in watch.queries.incidents(model="fares", state="open")
    )
    for labels, value in found["anchorwatch_incidents"]:
        if labels["model"] == "fares":
            assert value == listed[labels["state"], labels["severity"]]


def test_silence_and_acknowledgement_are_told(watch: Watch, clock: HandClock, exposition: Exposition) -> None:
    """A silence shows until it ends."""
    (number,) = [
        item["id"]
        for item in watch.queries.incidents(model="fares", state="firing")
        if item["cause"] == "drift"
    ]
    watch.acknowledge(number, "ada")
    watch.silence(number, watch.now() + 60_000_000, "ada")
    found = scraped(exposition)
    assert one(found, "anchorwatch_incident_silenced", model="fares", cause="drift") == 1
    assert one(found, "anchorwatch_incident_acknowledged", model="fares", cause="drift") == 1
    clock.seconds += 120
    assert one(scraped(exposition), "anchorwatch_incident_silenced", model="fares", cause="drift") == 0


def test_limits_and_references_stand_beside_the_figures(exposition: Exposition) -> None:
    """A limit is what the default rule allows over its reference: a tenth more."""
    found = scraped(exposition)
    usual = one(found, "anchorwatch_performance_mae_reference", model="fares")
    limit = one(found, "anchorwatch_performance_mae_limit", model="fares", side="above")
    value = one(found, "anchorwatch_performance_mae", model="fares")
    assert limit == pytest.approx(1.1 * usual, rel=0.02)
    assert value > limit
    assert one(found, "anchorwatch_performance_mae_lower", model="fares") < value


def test_kept_text_follows_the_ledger(watch: Watch, clock: HandClock, exposition: Exposition) -> None:
    """A second scrape says the same; after a new window, and after a late row, what a fresh one would."""
    first, again = scraped(exposition), scraped(exposition)
    assert first == again
    feed(watch, FARES, rows(FARES, NOW, 2, seed=3), "next")
    moved = scraped(exposition)
    assert moved == scraped(Exposition(watch, clock))
    assert moved["anchorwatch_performance_mae"] != first["anchorwatch_performance_mae"]
    late = rows(FARES, NOW, 1, seed=4).head(50)
    feed(watch, FARES, late, "late")
    assert scraped(exposition) == scraped(Exposition(watch, clock))
    assert one(scraped(exposition), "anchorwatch_window_predictions", model="fares") in {200, 250}


def test_an_empty_store_has_its_own_health_only(tmp_path: Any, clock: HandClock) -> None:
    """Nothing is said of models that are not there; a model without events says nothing of windows."""
    with Watch.open(tmp_path / "empty", clock=clock, start=False) as watch:
        exposition = Exposition(watch, clock)
        assert one(scraped(exposition), "anchorwatch_models") == 0
        watch.apply(FARES)
        found = scraped(exposition)
        assert one(found, "anchorwatch_model_info", model="fares", task="regression") == 1
        assert not [name for name in found if "_window_end" in name or "_performance_" in name]
        assert one(found, "anchorwatch_consumer_up", consumer="roller") == 1


def test_no_value_is_no_sample(exposition: Exposition) -> None:
    """Absent is absent: no NaN leaves."""
    for samples in scraped(exposition).values():
        assert not any(math.isnan(value) for _, value in samples)


def test_columns_and_versions_are_capped_and_counted(
    tmp_path: Any, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bounds nothing is told but how many were left out."""
    monkeypatch.setattr(names, "COLUMNS", 2)
    monkeypatch.setattr(names, "VERSIONS", 1)
    with Watch.open(tmp_path / "many", clock=clock, start=False) as watch:
        declare(watch, FARES)
        feed(watch, FARES, rows(FARES, NOW - timedelta(hours=6), 6, seed=1), "one")
        found = scraped(Exposition(watch, clock))
    assert one(found, "anchorwatch_columns_omitted") == 1
    assert one(found, "anchorwatch_versions_omitted") == 1
    assert {labels["column"] for labels, _ in found["anchorwatch_drift_moved_ratio"]} == {
        "x",
        'odd "name"\\',
        "_prediction",
    }
    assert len(found["anchorwatch_predictions_total"]) == 1


def test_what_a_rule_asks_for_is_told(watch: Watch, exposition: Exposition) -> None:
    """A measure that is not told by default is told where a rule watches it."""
    from anchorwatch.core.types import Rule

    assert "anchorwatch_drift_psi" not in scraped(exposition)
    watch.apply(FARES, (Rule(name="psi", measure="psi", above=0.2),))
    feed(watch, FARES, rows(FARES, NOW, 2, seed=3), "next")
    found = scraped(exposition)
    assert len(found["anchorwatch_drift_psi"]) == 4
    assert one(found, "anchorwatch_drift_psi_limit", rule="psi") == 0.2


def test_names_are_unique_and_as_the_guide_wants_them() -> None:
    """Each family has one name; samples of two families never share one; units are base units at the end."""
    families = names.families()
    samples = [family.sample for family in families]
    assert len(samples) == len(set(samples))
    for family in families:
        assert family.name.startswith("anchorwatch_")
        assert family.name.replace("_", "").isalnum()
        assert not family.name.endswith(("_share", "_ms", "_total", "_info", "_count", "_sum", "_bucket"))
        assert family.help.endswith(".")


def test_names_are_stable() -> None:
    """Dashboards and alerts of others hang on these: a change here is a breaking one."""
    told = {family.sample for family in names.families()}
    assert told >= {
        "anchorwatch_predictions_total",
        "anchorwatch_window_end_timestamp_seconds",
        "anchorwatch_incident_firing",
        "anchorwatch_drift_moved_ratio",
        "anchorwatch_drift_moved_p_value",
        "anchorwatch_performance_mae",
        "anchorwatch_performance_accuracy_ratio",
        "anchorwatch_performance_roc_auc",
        "anchorwatch_service_error_ratio",
        "anchorwatch_service_latency_p95_seconds",
        "anchorwatch_service_maturity_ratio",
        "anchorwatch_quality_missing_ratio",
        "anchorwatch_inbox_oldest_age_seconds",
        "anchorwatch_consumer_lag_batches",
        "anchorwatch_set_aside_batches",
    }


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r")), st.floats(allow_nan=False))
def test_any_label_and_value_survive(text: str, value: float) -> None:
    """What is written is what Prometheus's parser reads back, whatever a column is called."""
    family = Family("aw_thing", "Help with \\ and \n in it.", ("column",))
    for openmetrics, read in ((True, read_openmetrics), (False, read_classic)):
        body = render([family], [{family.name: family.line(value, column=text)}], openmetrics=openmetrics)
        (back,) = read(body)
        (sample,) = back.samples
        assert sample.value == value
        assert sample.labels == ({"column": text} if text else {})
    assert float(number(value)) == value


def test_the_server_asks_for_the_scope_read(watch: Watch, clock: HandClock) -> None:
    """Open on loopback while there is no token; then a token that may read."""
    app = create_app(watch, clock=clock)

    def ask(**headers: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.get("/metrics", headers=headers)

        return asyncio.run(asked())

    try:
        plain = ask(Accept=OPENMETRICS)
        assert plain.status_code == 200
        assert plain.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        _, reader = watch.ledger.tokens.issue("prometheus", ("read",))
        _, writer = watch.ledger.tokens.issue("model", ("ingest",))
        clock.seconds += 60
        assert ask().status_code == 401
        for secret, status in ((reader, 200), (writer, 403)):
            assert ask(Authorization=f"Bearer {secret.reveal()}").status_code == status
    finally:
        app.state.door.intake.close()
