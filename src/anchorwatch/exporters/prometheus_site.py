"""Where servers are, and which models they watch, as exported configurations need to know."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where things are.

    Args:
        server: address of Anchorwatch's server.
        public: address under which people open its pages; default: `server`.
        alertmanager: `host:port` of Alertmanager.
        prometheus: address of Prometheus, as Grafana reaches it.
        token_file: file with a token that may read, as Prometheus sees it; empty when none is needed.
    """

    server: str = "http://localhost:8321"
    public: str = ""
    alertmanager: str = "localhost:9093"
    prometheus: str = "http://localhost:9090"
    token_file: str = ""

    @property
    def pages(self) -> str:
        """Where links lead, without a slash at the end."""
        return (self.public or self.server).rstrip("/")


@dataclass(frozen=True, slots=True)
class Watched:
    """A model as rules and dashboards need it."""

    name: str
    window: float
    main_measure: str

    def link(self, site: Site) -> str:
        """Its page."""
        return f"{site.pages}/models/{quote(self.name, safe='')}"

    @property
    def quoted(self) -> str:
        """Its name as a string of PromQL."""
        return json.dumps(self.name)
