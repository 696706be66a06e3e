from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchorwatch.channels import CHANNELS, Vault, read_channel, read_channels
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    """By name; files beside the configuration, without the line's end."""
    (tmp_path / "key").write_text("from-file\n")
    vault = Vault({"KEY": "from-env", "URL": "pagerduty://k%2Fey?region=eu", "ODD": "a/b@c"}, tmp_path)
    for given, found in [
        ({"kind": "pagerduty", "key": {"env": "KEY"}}, "from-env"),
        ({"kind": "pagerduty", "key": {"file": "key"}}, "from-file"),
        ({"kind": "pagerduty", "key": "${KEY}"}, "from-env"),
        ("pagerduty://${KEY}", "from-env"),
        ("pagerduty://${ODD}", "a/b@c"),
        ({"env": "URL"}, "k/ey"),
        ("${URL}", "k/ey"),
    ]:
        made: Any = read_channel("pd", given, vault)
        assert made.key == Secret(found), given


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kind": "pagerduty", "key": {"env": "NONE"}}, "key: the environment has no 'NONE'"),
        ({"kind": "pagerduty", "key": {"file": "none"}}, "key: 'none' cannot be read"),
        ({"kind": "pagerduty", "key": {"env": "EMPTY"}}, "key: env 'EMPTY' is empty"),
        ({"kind": "pagerduty", "key": 3}, "key: a text"),
        ({"kind": "pagerduty"}, "key: pagerduty needs it"),
        ({"kind": "pagerdute"}, "kind: no kind of channel is named 'pagerdute'; did you mean 'pagerduty'?"),
        ({"kind": "pagerduty", "key": "k", "regoin": "eu"}, "regoin: .*did you mean 'region'?"),
        ({"kind": "pagerduty", "key": "k", "name": "x"}, "name: pagerduty has no such setting"),
        ({"kind": "pagerduty", "key": "k", "clock": "x"}, "clock: pagerduty has no such setting"),
        ({"kind": "pagerduty", "key": "k", "timeout": 0}, "timeout: a number above 0"),
        ({"kind": "pagerduty", "key": "k", "timeout": "inf"}, "timeout: a number above 0"),
        ({"kind": "pagerduty", "key": "k", "address": "http://pd.example"}, "address: http:// would show"),
        (
            {"kind": "twilio", "account": "a", "token": "t", "from": "1", "to": "2", "segments": 1.5},
            "segments: a whole",
        ),
        ({"kind": "alertmanager", "addresses": []}, "addresses: a text or a list"),
        ({"kind": "alertmanager", "addresses": "http://a", "labels": "x"}, "labels: names and texts"),
        ({"url": "x"}, "kind: write a URL"),
        (7, "kind: write a URL"),
        ("pagerduty", "url: a scheme is needed"),
        ("https://example.com/hook", "url: https:// alone does not say"),
        ("nosuchscheme://x", "url: Apprise cannot read it"),
        ("${NONE}", "url: the environment has no 'NONE'"),
    ],
)
def test_what_cannot_be_is_refused(given: Any, why: str) -> None:
    """With the setting's name first, and what would do."""
    with pytest.raises(ConfigError, match=rf"^{why.replace('?', '[?]')}"):
        read_channel("x", given, Vault({"EMPTY": ""}))


@pytest.mark.parametrize(
    "given",
    [
        "slack://s3cr3t-token@",
        "webhook://s3cr3t@h/x",
        "twilio://AC1:s3cr3t@+47",
        "mailto://me:s3cr3t@nowhere?tls=odd",
        "mailto://me:s3cr3t@[x",
        "s3cr3t://x",
        "tgram://s3cr3t",
        "s3cr3t",
        {"kind": "slack", "url": "s3cr3t"},
        {"kind": "webhook", "url": "ftp://h/s3cr3t", "secret": "0123456789abcdef"},
        {"kind": "email", "host": "h", "from": "a@b.co", "to": "a@b.co", "password": {"s3cr3t": 1}},
        {"kind": "pagerduty", "key": ["s3cr3t"]},
        ["s3cr3t"],
    ],
)
def test_no_error_shows_what_was_given(given: Any) -> None:
    """A mistake in a secret is told of without it."""
    with pytest.raises(ConfigError) as caught:
        read_channels("x", given, Vault({}))
    scheme = isinstance(given, str) and given.startswith("s3cr3t://")
    assert scheme or "s3cr3t" not in f"{caught.value!r} {caught.value.__context__!r}"


def test_a_name_may_stand_for_several() -> None:
    """One keeps the name; of several, each has its number."""
    assert [one.name for one in read_channels("ops", "console://")] == ["ops"]
    assert [one.name for one in read_channels("ops", ["console://"])] == ["ops"]
    assert [one.name for one in read_channels("ops", ["console://", "console://"])] == ["ops/1", "ops/2"]
    with pytest.raises(ConfigError, match="empty"):
        read_channels("ops", [])


def test_alertmanager_urls() -> None:
    """A cluster in one URL."""
    made: Any = read_channel("am", "alertmanager://a:9093,b:9093/prefix?resend=30")
    assert made.addresses == ("http://a:9093/prefix", "http://b:9093/prefix")
    assert made.resend_after == 30.0
    one: Any = read_channel("am", "alertmanagers://u:p@am.example")
    assert (one.addresses, one.password) == (("https://am.example",), Secret("p"))


def test_every_kind_can_be_set_up_and_no_scheme_means_two() -> None:
    """Settings are of types that are read; a kind says what it is called."""
    schemes = [scheme for kind in CHANNELS.values() for scheme in kind.schemes]
    assert len(schemes) == len(set(schemes))
    for kind in CHANNELS.values():
        assert kind.title
        assert "name" not in kind.settings
