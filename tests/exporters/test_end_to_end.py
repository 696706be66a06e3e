"""From a model that degrades to a person who hears of it, by way of a real Prometheus and a real Alertmanager."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.exporters.material import FARES, NOW, HandClock, declare, feed, rows
from tests.exporters.servers import alertmanager, anchorwatch, free_port, prometheus, sinks, until
from tests.exporters.test_exports import write

from anchorwatch.app.exports import Receivers, Site, alertmanager_files, prometheus_files, watched
from anchorwatch.app.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_a_model_that_degrades_is_heard_of_and_so_is_its_recovery(tmp_path: Path) -> None:
    """Webhook and mail hear that the incident fires, and hear when it is over."""
    clock, begin, port = HandClock(), NOW - timedelta(hours=12), free_port()
    folder = tmp_path / "config"
    folder.mkdir()
    with Watch.open(tmp_path / "store", clock=clock, start=False) as watch, sinks() as heard:
        declare(watch, FARES)
        feed(watch, FARES, rows(FARES, begin, 4, seed=1), "good")
        with anchorwatch(watch, clock) as address:
            models = watched([watch.queries.model("fares")])
            write(folder, prometheus_files(models, Site(server=address, alertmanager=f"127.0.0.1:{port}")))
            receivers = Receivers(
                webhook=heard.webhook, mail_to="ada@example.org", smarthost=heard.smarthost, smtp_tls=False
            )
            write(folder, alertmanager_files(receivers))
            with alertmanager(folder, port), prometheus(folder) as running:
                until(lambda: running.ask("anchorwatch_incident_firing"), "a scrape")
                assert not running.ask("anchorwatch_incident_firing == 1")
                feed(watch, FARES, rows(FARES, begin + timedelta(hours=4), 4, seed=2, shift=1.0), "bad")
                performance = {"alertname": "AnchorwatchIncident", "model": "fares", "cause": "performance"}
                until(lambda: heard.told("firing", **performance, severity="page"), "the webhook hears")
                until(lambda: any("performance" in mail for mail in heard.mails), "the mail comes")
                assert heard.told("firing", model="fares", cause="drift", severity="warn")
                assert not heard.told("resolved", **performance)
                feed(watch, FARES, rows(FARES, begin + timedelta(hours=8), 6, seed=3), "good again")
                until(lambda: not running.ask("anchorwatch_incident_firing == 1"), "the incident is over")
                until(lambda: heard.told("resolved", **performance), "the webhook hears the resolution")
                until(lambda: any("[RESOLVED" in mail for mail in heard.mails), "the mail says so too")
