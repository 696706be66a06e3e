"""The API, the page and the command line of notifications."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.notify.test_secrets import ask
from tests.notify.world import RULES, world_on_disk
from typer.testing import CliRunner

from anchorwatch.cli.main import app as cli
from anchorwatch.core.errors import ChannelError
from anchorwatch.server.app import create_app
from anchorwatch.testing import CaptureChannel, capturing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = """
channels: {chat: {kind: console}, pager: {kind: pagerduty, key: {env: NOT_SET_ANYWHERE}}}
routes:
  - {severity: page, to: pager, escalate: [{after: 15m, to: chat}]}
  - {model: "load*", to: chat}
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A watch whose first message is a dead letter, and its server."""
    chat = CaptureChannel("chat", [ChannelError("no such room", permanent=True)])
    with world_on_disk(tmp_path / "store", capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        yield it, create_app(it.watch)


def test_dead_letters_are_shown_and_sent_again(served: tuple[Any, Any]) -> None:
    """In the list, by channel, on the page; after a retry they are delivered."""
    it, app = served
    (dead,) = ask(app, "GET", "/api/v1/notifications?state=dead").json()
    assert (dead["channel"], dead["reason"], dead["incident"]) == ("chat", "no such room", 1)
    (channel,) = ask(app, "GET", "/api/v1/notifications/channels").json()
    assert (channel["dead"], channel["error"]) == (1, "no such room")
    page = ask(app, "GET", "/notifications", headers={"accept": "text/html"}).text
    for part in ("no such room", "Send again", "Send all dead letters again", "/incidents/1"):
        assert part in page
    assert ask(app, "POST", "/api/v1/notifications/retry", json={"ids": [99]}).status_code == 404
    (again,) = ask(app, "POST", "/api/v1/notifications/retry", json={"ids": [dead["id"]]}).json()
    assert again["state"] == "waiting"
    assert ask(app, "POST", "/api/v1/notifications/retry", json={"ids": [dead["id"]]}).status_code == 409
    it.run()
    assert ask(app, "GET", "/api/v1/notifications").json()[0]["state"] == "delivered"


def test_decisions_are_shown_with_their_reasons(served: tuple[Any, Any]) -> None:
    """Of one incident."""
    _, app = served
    (made,) = ask(app, "GET", "/api/v1/notifications/decisions?incident=1").json()
    assert (made["told"], made["reason"], made["kind"]) == (True, "route 'all': everything", "firing")


def test_silences_are_made_listed_and_ended(served: tuple[Any, Any]) -> None:
    """With author and reason; one of everything is refused."""
    it, app = served
    until = (it.clock.now() + timedelta(hours=2)).isoformat()
    assert ask(app, "POST", "/api/v1/silences", json={"until": until}).status_code == 422
    made = ask(app, "POST", "/api/v1/silences", json={"until": until, "model": ["lo*"], "reason": "deploy"})
    assert made.status_code == 201
    assert (made.json()["text"], made.json()["active"]) == ("model lo*", True)
    heard = ask(app, "POST", "/api/v1/routes/test", json={"model": "load"}).json()
    assert "deploy" in heard["told"][0]["held"]
    assert len(ask(app, "GET", "/api/v1/silences").json()) == 1
    number = made.json()["id"]
    assert ask(app, "DELETE", f"/api/v1/silences/{number}").json()["active"] is False
    assert ask(app, "DELETE", f"/api/v1/silences/{number}").status_code == 409
    assert ask(app, "GET", "/api/v1/silences").json() == []
    past = ask(app, "POST", "/api/v1/silences", json={"until": "2001-01-01T00:00:00Z", "model": ["a"]})
    assert past.status_code == 422


def test_a_channel_is_tried_over_the_api(served: tuple[Any, Any]) -> None:
    """What became of it; a name that is none is not found."""
    _, app = served
    (tried,) = ask(app, "POST", "/api/v1/notifications/test", json={"channel": "chat"}).json()
    assert (tried["state"], tried["kind"]) == ("delivered", "test")
    assert ask(app, "POST", "/api/v1/notifications/test", json={"channel": "chad"}).status_code == 404


def test_the_page_without_channels_says_how_to_have_some(tmp_path: Path) -> None:
    """And where."""
    with world_on_disk(tmp_path / "store", capturing(), RULES[:1]) as it:
        page = ask(create_app(it.watch), "GET", "/notifications", headers={"accept": "text/html"}).text
        assert "serve" not in page or "--config" in page
        assert "No channel yet" in page


def run(*words: str) -> Any:
    """The command line."""
    return CliRunner().invoke(cli, list(words))


def test_routes_test_says_who_would_hear(tmp_path: Path) -> None:
    """Without any secret; 1 when nobody would."""
    file = tmp_path / "watch.yaml"
    file.write_text(FILE)
    told = run("routes", "test", str(file), "--model", "load", "--severity", "page")
    assert told.exit_code == 0
    assert "told      pager  (route '1 to pager': severity page)" in told.output
    assert "then      chat  (after 15 min" in told.output
    nobody = run("routes", "test", str(file), "--model", "other", "--json")
    assert nobody.exit_code == 1
    assert [item["route"] for item in json.loads(nobody.output)["not"]] == ["1 to pager", "2 to chat"]


def test_notify_test_sends_from_here(tmp_path: Path) -> None:
    """A secret that is missing is told, before anything is sent."""
    file = tmp_path / "watch.yaml"
    file.write_text("channels: {chat: {kind: console}}")
    sent = run("notify", "test", "chat", "--config", str(file))
    assert sent.exit_code == 0, sent.output
    assert "chat: delivered" in sent.output
    assert run("notify", "test", "chta", "--config", str(file)).exit_code != 0
    file.write_text(FILE)
    missing = run("notify", "test", "chat", "--config", str(file))
    assert missing.exit_code != 0


def test_a_store_lists_retries_and_silences_without_a_server(tmp_path: Path) -> None:
    """The same readings, offline."""
    store = tmp_path / "store"
    chat = CaptureChannel("chat", [ChannelError("no such room", permanent=True)])
    with world_on_disk(store, capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
    listed = run("notify", "list", "--store", str(store), "--state", "dead", "--json")
    assert json.loads(listed.output)[0]["reason"] == "no such room"
    assert "1 wait again" in run("notify", "retry", "--store", str(store)).output
    made = run(
        "silence", "add", "--model", "load", "--for", "2h", "--reason", "why not", "--store", str(store)
    )
    assert "silence 1: model load" in made.output
    assert "why not" in run("silence", "list", "--store", str(store)).output
    assert "is over" in run("silence", "end", "1", "--store", str(store)).output
