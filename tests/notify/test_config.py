"""`channels`, `routes`, `quiet` and `digest` in a file: what is read, and what is refused with line and remedy."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from anchorwatch.app.channels import Setup, named
from anchorwatch.app.config import dump, loads
from anchorwatch.app.config_schema import schema
from anchorwatch.app.notices import heard_by, subject_of
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.types import Severity
from anchorwatch.incidents.routing import Rung

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
models:
  flights:
    task: binary
    rules:
      - {metric: accuracy, below: 0.8, notify: on-call}
channels:
  on-call: {kind: webhook, url: {env: HOOK_URL}, secret: {file: hook.key}}
  ml-team: ["console://", {kind: console}]
routes:
  - {severity: page, to: on-call, escalate: [{after: 15m, to: ml-team}], continue: true}
  - {name: flights, to: ml-team, model: flights-*, segment: carrier=AA, quiet: nights, repeat: 12h, wait: 5s}
  - {to: [ml-team, on-call], repeat: never}
quiet:
  nights: {from: "22:00", to: "07:00", timezone: Europe/Berlin, days: [mon, tuesday], severity: [info, warn]}
digest: {at: "08:30", timezone: Europe/Berlin, to: ml-team}
"""
AT = datetime(2026, 1, 5, 23, tzinfo=UTC)


def test_a_file_says_who_is_told() -> None:
    """Routes in order, quiet hours, the digest; a rule's own channel."""
    found = loads(FILE)
    first, second, third = found.notify.routes
    assert first.match.severities == (Severity.PAGE,)
    assert first.escalate == (Rung(timedelta(minutes=15), ("ml-team",)),)
    assert (first.go_on, first.repeat) == (True, timedelta(days=1))
    assert (second.name, second.match.models, second.match.segments) == (
        "flights",
        ("flights-*",),
        ("carrier=AA",),
    )
    assert (second.wait, second.repeat, second.quiet) == (
        timedelta(seconds=5),
        timedelta(hours=12),
        ("nights",),
    )
    assert third.repeat is None
    night = found.notify.quiets["nights"]
    assert (night.start, night.end, night.zone, night.days) == (
        time(22),
        time(7),
        "Europe/Berlin",
        ("mon", "tue"),
    )
    assert found.notify.digest is not None
    assert (found.notify.digest.at, found.notify.digest.to) == (time(8, 30), ("ml-team",))
    rules = found.models[0].rules
    assert rules is not None
    assert rules[0].notify == ("on-call",)
    assert "notify: [on-call]" in dump(found.models[0].spec, rules)


def test_channels_are_opened_with_their_secrets_where_they_are_used(tmp_path: Path) -> None:
    """A file beside the configuration, the environment; names of several addresses are numbered."""
    (tmp_path / "hook.key").write_text("0123456789abcdef-secret\n")
    config = loads(FILE, folder=tmp_path).notify
    setup = Setup.of(config, environ={"HOOK_URL": "https://hooks.example.com/t0p"})
    assert list(setup.channels) == ["on-call", "ml-team/1", "ml-team/2"]
    assert setup.plan.members["ml-team"] == ("ml-team/1", "ml-team/2")
    assert setup.veil.over("it is 0123456789abcdef-secret") == "it is ***"
    with pytest.raises(
        ConfigError, match=r"watch\.yaml:8: channels\.on-call: url: the environment has no 'HOOK_URL'"
    ):
        Setup.of(config, environ={})


def test_a_file_of_channels_alone_is_one() -> None:
    """For a server whose models are declared elsewhere; without routes every channel hears everything."""
    found = loads('channels: {chat: "console://"}')
    assert found.models == ()
    assert [route.to for route in found.notify.routes] == [("chat",)]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "to: ml-team, model",
            "to: ml-taem, model",
            r":12: routes\[1\]\.to: no channel is named 'ml-taem'.*ml-team",
        ),
        ("severity: page", "severity: pgae", r":11: routes\[0\]\.severity: .*did you mean 'page'"),
        ("quiet: nights", "quiet: night", r":12: routes\[1\]\.quiet: .*did you mean 'nights'"),
        ("continue: true", "contineu: true", "did you mean 'continue'"),
        ("after: 15m", "after: soon", r":11: routes\[0\]\.escalate\[0\]\.after: 'soon' is no duration"),
        ('from: "22:00"', 'from: "25:00"', r":15: quiet\.nights\.from: a time of day"),
        ("timezone: Europe/Berlin, days", "timezone: Europe/Berlni, days", "no time zone"),
        (
            "notify: on-call",
            "notify: on-cal",
            r":6: models\.flights\.rules\[0\]\.notify: .*did you mean 'on-call'",
        ),
        ("repeat: 12h", "repeat: 1s", "after 1m at the earliest"),
        ("wait: 5s", "wait: 5h", "10m at most"),
        ("name: flights, to: ml-team", "name: flights", "'to' is missing"),
        ("days: [mon, tuesday]", "days: [monday, foo]", "no day is named 'foo'"),
        ('digest: {at: "08:30"', "digest: {at: noon", r":16: digest\.at"),
        ('["console://", {kind: console}]', "[]", r"channels\.ml-team"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, told: str) -> None:
    """And with what would do."""
    assert old in FILE
    with pytest.raises(ConfigError, match=told):
        loads(FILE.replace(old, new))


def test_routes_are_tried_without_secrets() -> None:
    """Who would hear, who is held back until when, who would not and why."""
    plan = named(loads(FILE).notify)
    found = heard_by(plan, subject_of("flights-eu", "warn", "drift", "carrier=AA"), AT)
    assert [item["channel"] for item in found["told"]] == ["ml-team"]
    assert found["told"][0]["held"] == "quiet hours 'nights' until 2026-01-06 06:00 UTC"
    assert [item["route"] for item in found["not"]] == ["1 to on-call", "3 to ml-team, on-call"]
    paged = heard_by(plan, subject_of("flights", "page"), AT)
    assert [item["channel"] for item in paged["told"]] == ["on-call", "ml-team"]
    assert paged["told"][0]["escalate"] == [{"after_s": 900.0, "to": ["ml-team"]}]


def test_the_schema_knows_the_keys() -> None:
    """As the reader does."""
    from anchorwatch.app import config_notify

    known = schema()["properties"]
    assert set(config_notify.KEYS) <= set(known)
    assert set(known["routes"]["items"]["properties"]) == set(config_notify.ROUTE_KEYS)
    assert set(known["quiet"]["additionalProperties"]["properties"]) == set(config_notify.QUIET_KEYS)
    assert set(known["digest"]["properties"]) == set(config_notify.DIGEST_KEYS)
