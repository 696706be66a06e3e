"""What all tests share: what they need from outside, and how Hypothesis runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from scripts.tools.browser import find

ROOT = Path(__file__).resolve().parent.parent

# Deadlines judge the machine, not the code; cores are shared.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("house")


def lacking(reason: str) -> None:
    """Skip, saying why; where CI promises all there is (CI=true), fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI must run all tests", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium to drive."""
    path = find()
    if path is None:
        lacking("no Chromium is on PATH: install the package chromium")
    return str(path)


@pytest.fixture(autouse=True)
def _browser(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("browser"):
        request.getfixturevalue("chromium")


@pytest.fixture(scope="session")
def acceptance_data() -> Path:
    """Folder of the independently measured data sets; they may not be shipped, so elsewhere the test skips."""
    folder = Path(os.environ.get("ANCHORWATCH_ACCEPTANCE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "ACCEPTANCE.md").exists():
        pytest.skip(f"the acceptance data are not in {folder} (licensed for testing, not for shipping)")
    return folder
