from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
from tests.flow.test_receive import alert, delivery

from anchorwatch.server.schemas import AlertsTaken

if TYPE_CHECKING:
    from tests.server.conftest import Api


def post(api: Api, *alerts: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What is answered to a delivery."""
    answer = api.ask("POST", "/alertmanager", json=delivery(*alerts), **options)
    assert answer.status_code == 200, answer.text
    AlertsTaken.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


def page(api: Api, path: str) -> int:
    """The status of a page."""

    async def ask() -> int:
        transport = httpx.ASGITransport(app=api.app, client=("127.0.0.1", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
            return (await asking.get(path)).status_code

    return asyncio.run(ask())


def about(model: str, status: str = "firing", **labels: str) -> dict[str, Any]:
    """An alert about a model."""
    return alert(status, labels={"model": model, **labels})


def test_an_alert_from_elsewhere_opens_an_incident_and_resolves_it(api: Api) -> None:
    """It is listed and shown as any other, and a change of rules leaves it alone."""
    assert post(api, about("late")) == {"taken": 1, "incidents": [1], "ignored": []}
    api.clock.seconds += 1
    line = api.ask("GET", "/incidents").json()[0]
    assert (line["model"], line["cause"], line["state"]) == ("late", "alert: Slow", "firing")
    shown = api.ask("GET", "/incidents/1").json()
    assert [step["what"] for step in shown["timeline"]] == ["opened", "fired"]
    assert shown["findings"][0]["reason"] == "p99 is 2 s"
    api.watch.apply(api.watch.spec("late"), rules=())
    assert api.ask("GET", "/incidents/1").json()["state"] == "firing"
    assert post(api, about("late"))["incidents"] == []
    assert post(api, about("late", "resolved"))["incidents"] == [1]
    assert api.ask("GET", "/incidents/1").json()["state"] == "resolved"


def test_what_is_not_ours_is_ignored_with_its_reason(api: Api) -> None:
    """The sender is not told to try again, and the rest of the delivery counts."""
    told = post(api, about("latte"), about("late"), about(""))
    assert told["taken"] == 1
    assert [item["reason"] for item in told["ignored"]] == [
        "no model is named 'latte'; did you mean 'late'?",
        "no label names a model",
    ]


def test_our_own_alerts_do_not_come_back(api: Api) -> None:
    """An incident that is told on to Alertmanager, and by it to us, opens no other."""
    told = post(api, about("late", alertname="AnchorwatchIncident"))
    assert (told["taken"], told["incidents"]) == (0, [])
    assert "here already" in told["ignored"][0]["reason"]


def test_another_label_may_name_the_model(api: Api) -> None:
    """As the receiver's address says."""
    answer = api.ask("POST", "/alertmanager?label=job", json=delivery(about("x", job="delay")))
    assert answer.json()["incidents"] == [1]


def test_it_takes_the_scope_to_operate(api: Api) -> None:
    """A token to read is not enough; nonsense is refused as such."""
    operate, read = api.token("operate"), api.token("read")
    assert api.ask("POST", "/alertmanager", json=delivery(), headers=read).status_code == 403
    assert api.ask("POST", "/alertmanager", json=delivery(), headers=operate).status_code == 200
    assert api.ask("POST", "/alertmanager", json={"version": "4"}, headers=operate).status_code == 422
    assert api.ask("POST", "/alertmanager", json=delivery()).status_code == 401


def test_the_page_shows_it(api: Api) -> None:
    """A cause that no measure stands behind breaks no page."""
    post(api, about("late"))
    for path in ("/incidents", "/incidents/1", "/models/late", "/"):
        assert page(api, path) == 200, path
