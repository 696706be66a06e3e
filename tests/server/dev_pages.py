"""The pages over made-up answers, for looking at while working on them.

`python -m tests.server.dev_pages [empty|one|two|hundred|hourly] [port]`
"""

from __future__ import annotations

import sys

import uvicorn
from tests.server.fake_session import app_of


def main() -> None:
    """Serve until interrupted."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "two"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 8399
    uvicorn.run(app_of(kind), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
