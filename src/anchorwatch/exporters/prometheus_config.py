"""Prometheus's own configuration, its rules, and tests of the rules, for the models of a ledger.

Written to the grammar of Prometheus 2.42 and later; `promtool check config`, `promtool check rules` and
`promtool test rules` pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from anchorwatch.core.errors import ConfigError
from anchorwatch.exporters.prometheus_rules import (
    alerts_of_incidents,
    alerts_of_itself,
    alerts_of_model,
    records,
)
from anchorwatch.exporters.prometheus_tests import tests_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorwatch.exporters.prometheus_site import Site, Watched

RULES, TESTS, CONFIG = "anchorwatch.rules.yml", "anchorwatch.rules.test.yml", "prometheus.yml"
NOTE = "# Written by `anchorwatch export`; change it there or here, as you like.\n"


def prometheus_files(models: Sequence[Watched], site: Site) -> dict[str, str]:
    """Scrape configuration, rules and their tests, by name of file.

    >>> from anchorwatch.exporters.prometheus_site import Site
    >>> sorted(prometheus_files([], Site()))
    ['anchorwatch.rules.test.yml', 'anchorwatch.rules.yml', 'prometheus.yml']
    """
    return {
        CONFIG: dumped(_config(site)),
        RULES: dumped({"groups": rule_groups(models, site)}),
        TESTS: dumped(tests_of(models, site, RULES)),
    }


def rule_groups(models: Sequence[Watched], site: Site) -> list[dict[str, Any]]:
    """Records first: alerts may build on them."""
    groups = [
        {"name": "anchorwatch-records", "rules": records()},
        {"name": "anchorwatch-incidents", "rules": alerts_of_incidents(site.pages)},
        {"name": "anchorwatch-itself", "rules": alerts_of_itself(site.pages)},
    ]
    own = [rule for model in models for rule in alerts_of_model(model, site)]
    return [*groups, {"name": "anchorwatch-models", "rules": own}] if own else groups


def _config(site: Site) -> dict[str, Any]:
    parts = urlsplit(site.server)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ConfigError(f"server: {site.server!r} is no address; write http://host:8321")
    job: dict[str, Any] = {
        "job_name": "anchorwatch",
        "scheme": parts.scheme,
        "metrics_path": f"{parts.path.rstrip('/')}/metrics",
        "static_configs": [{"targets": [parts.netloc]}],
    }
    if site.token_file:
        job["authorization"] = {"type": "Bearer", "credentials_file": site.token_file}
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": [RULES],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [site.alertmanager]}]}]},
        "scrape_configs": [job],
    }


def dumped(body: Mapping[str, Any]) -> str:
    """YAML in the order given."""
    return NOTE + yaml.safe_dump(dict(body), sort_keys=False, allow_unicode=True, width=1000)
