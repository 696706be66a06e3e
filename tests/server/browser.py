"""Headless Chromium for tests and pictures: found, not fetched."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def executable() -> str | None:
    """Where Chromium is; None when it is nowhere on the path."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=executable(), args=FLAGS)
        yield browser
        browser.close()


def demand() -> None:
    """Skip where there is no Chromium; under CI=true that is a failure."""
    if executable() is None:
        reason = "no Chromium on the path; install the Debian package `chromium`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def settle(page: Page) -> None:
    """Wait until every chart that is near the screen is drawn."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(
        """() => {
            const drawn = document.querySelectorAll("figure:is([data-chart], [data-bars], [data-curve])");
            return [...drawn].every((figure) => {
            if (figure.closest("details:not([open])")) return true;
            const at = figure.getBoundingClientRect();
            return at.top > innerHeight || at.bottom < 0 || "ready" in figure.dataset;
            });
        }"""
    )
