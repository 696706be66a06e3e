"""A sample configuration of Alertmanager for the exported rules; `amtool check-config` passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anchorwatch.exporters.prometheus_config import dumped

CONFIG = "alertmanager.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """Who hears.

    Args:
        webhook: address that is told of everything.
        mail_to: who gets mail of what pages.
        mail_from: whose mail it is.
        smarthost: `host:port` of the mail server.
        smtp_tls: whether the mail server must speak TLS.
    """

    webhook: str = "http://localhost:8080/alerts"
    mail_to: str = ""
    mail_from: str = "anchorwatch@localhost"
    smarthost: str = "localhost:25"
    smtp_tls: bool = True


def alertmanager_files(receivers: Receivers) -> dict[str, str]:
    """The configuration, by name of file.

    Alerts of one model are one message; what pages is said at once and repeated after an hour, the rest waits a
    little and is repeated after half a day. While a model is gone or Anchorwatch is down, what hangs on it is quiet.
    """
    everybody = {"name": "everybody", "webhook_configs": [{"url": receivers.webhook, "send_resolved": True}]}
    on_call: dict[str, Any] = {**everybody, "name": "on-call"}
    top: dict[str, Any] = {"resolve_timeout": "5m"}
    if receivers.mail_to:
        top |= {
            "smtp_smarthost": receivers.smarthost,
            "smtp_from": receivers.mail_from,
            "smtp_require_tls": receivers.smtp_tls,
        }
        on_call["email_configs"] = [{"to": receivers.mail_to, "send_resolved": True}]
    return {
        CONFIG: dumped({"global": top, "route": _route(), "receivers": [everybody, on_call]} | _inhibited())
    }


def _route() -> dict[str, Any]:
    return {
        "receiver": "everybody",
        "group_by": ["model", "alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [
            {
                "receiver": "on-call",
                "matchers": ['severity="page"'],
                "group_wait": "5s",
                "group_interval": "1m",
                "repeat_interval": "1h",
            }
        ],
    }


def _inhibited() -> dict[str, Any]:
    def quiet(source: str, target: str, equal: list[str]) -> dict[str, Any]:
        return {
            "source_matchers": [f'alertname="{source}"'],
            "target_matchers": [f'alertname=~"{target}"'],
            "equal": equal,
        }

    return {
        "inhibit_rules": [
            quiet("AnchorwatchDown", "AnchorwatchModelGone", []),
            quiet("AnchorwatchModelSilent", "AnchorwatchOutcomesMissing", ["model"]),
        ]
    }
