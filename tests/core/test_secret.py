"""Secrets do not print."""

from __future__ import annotations

import json

import pytest

from anchorwatch.core.secret import Secret


def test_nothing_but_reveal_shows_it() -> None:
    """Neither repr, str, formatting nor JSON does."""
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret!s} {[secret]}"
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        "token " + secret  # type: ignore[operator]
    assert secret.reveal() == "hunter2"


def test_equal_secrets_are_equal() -> None:
    """By their text, and never to the text itself."""
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
