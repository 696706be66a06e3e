"""Find a Chromium; as a program: print its path, exit 1 when there is none."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find() -> str | None:
    """The first Chromium on PATH (on macOS also the installed Chrome), or None."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (str(MAC) if MAC.exists() else None)


if __name__ == "__main__":
    browser = find()
    print(browser or "no Chromium", file=sys.stdout if browser else sys.stderr)
    sys.exit(browser is None)
