from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import anchorwatch.client as aw
from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("buffer_events", 0),
        ("buffer_bytes", 1.5),
        ("batch_events", True),
        ("spool_bytes", -1),
        ("linger", float("nan")),
        ("timeout", 0),
        ("backoff", "1s"),
        ("when_full", "drop"),
        ("spool_sync", "always"),
        ("on_error", "ignore"),
        ("compress", 1),
        ("on_drop", 3),
        ("seeed", 3),
    ],
)
def test_wrong_options_are_loud_and_named(name: str, value: Any) -> None:
    """A mistake shows itself where the client is made, not at the first outage."""
    with pytest.raises(ConfigError, match=name):
        aw.connect("http://localhost", **{name: value})


def test_a_spool_that_cannot_be_written_is_loud(tmp_path: Path) -> None:
    """A file in the way of the folder is told at once."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="spool"):
        aw.connect("http://localhost", spool=tmp_path / "file")


@pytest.mark.parametrize(
    "url",
    [
        "localhost",
        "ftp://a",
        "http://",
        "http://a:99999",
        "http://a:0",
        "http://u:p@a",
        "http://a?x=1",
        "http://a b",
        3,
        "http://a\n",
    ],
)
def test_wrong_urls_are_loud(url: Any) -> None:
    """A URL that can never work is refused."""
    with pytest.raises(ConfigError, match="url"):
        aw.connect(url)


@pytest.mark.parametrize("token", ["a b", "é", "a\n", 3])
def test_wrong_tokens_are_loud_and_do_not_show(token: Any) -> None:
    """A token that cannot travel in a header is refused without being printed."""
    with pytest.raises(ConfigError, match="token") as told:
        aw.connect("http://a", token=token)
    assert repr(token) not in str(told.value)
