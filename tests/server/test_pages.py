"""The pages over HTTP: each with its twin, its errors, its scope and its forms."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.server.fake_queries import FakeWatch, watch_of
from tests.server.fake_session import Client, app_of

MODEL = "/models/flights-late-arrival"
PAGES = (
    "/", MODEL, f"{MODEL}/drift", f"{MODEL}/quality", f"{MODEL}/service", f"{MODEL}/segments", f"{MODEL}/versions",
    f"{MODEL}/confusion",
    f"{MODEL}/distribution?column=temp&start=2013-11-01&end=2013-11-02", "/incidents", "/incidents/7", "/predictions",
    "/predictions/flights-late-arrival/row?id=x", "/settings", "/settings/models/flights-late-arrival",
    "/settings/models/flights-late-arrival/rules", f"{MODEL}/heat?measure=constant",
)  # fmt: skip
CSRF = {"csrf": "csrf-of-the-session"}


def client(kind: str | FakeWatch = "two", open_to: str | None = "aw_admin") -> Client:
    """Somebody with a browser."""
    return Client(app_of(kind, open_to))


def twin_of(path: str) -> str:
    """The address of a page's twin by its suffix."""
    place, _, query = path.partition("?")
    return f"{'/overview' if place == '/' else place}.json{'?' + query if query else ''}"


@pytest.mark.parametrize("path", PAGES)
def test_each_page_has_a_twin(path: str) -> None:
    """The same address as HTML, as JSON by `Accept`, and as JSON by `.json`."""
    asker = client()
    page = asker.get(path, headers={"Accept": "text/html"})
    by_header = asker.get(path, headers={"Accept": "application/json"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert by_header.headers["content-type"] == "application/json"
    assert asker.get(twin_of(path)).json() == by_header.json()


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_anything_inline_or_from_elsewhere(path: str) -> None:
    """What the content security policy forbids is not there to begin with."""
    page = client().get(path)
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.findall(r"<[^>]+\s(?:style|on\w+)=", page.text)
    assert not re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>", page.text)
    assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", page.text)


@pytest.mark.parametrize("path", PAGES)
def test_no_link_is_dead(path: str) -> None:
    """Every address of ours that a page names is answered."""
    asker = client()
    text = asker.get(path).text.replace("&amp;", "&")
    found = set(re.findall(r'(?:href|data-chart|hx-get)="(/[^"#]*)"', text))
    assert found
    told = {to: asker.get(to).status_code for to in found}
    assert set(told.values()) == {200}, told


@pytest.mark.parametrize("path", ["/", "/incidents", "/predictions", "/settings"])
def test_a_fresh_store_says_what_to_do(path: str) -> None:
    """Without a model nothing breaks, and the way on is shown."""
    page = client("empty").get(path)
    assert page.status_code == 200
    if path == "/":
        assert 'aw.connect("http://localhost")' in page.text


def test_a_model_without_events_is_shown() -> None:
    """Registered a moment ago: no window, no version, no reference."""
    for tab in ("", "/drift", "/quality", "/service", "/segments", "/versions"):
        assert client("hundred").get(f"/models/just-registered{tab}").status_code == 200


def test_a_hundred_models_are_shown_sickest_first() -> None:
    """All of them, in order of health; the filter leaves those that match."""
    asker = client("hundred")
    shown = asker.get("/overview.json").json()
    assert [len(shown), shown[0]["health"], shown[-1]["health"]] == [100, "page", "ok"]
    assert {one["task"] for one in asker.get("/overview.json?q=binary+warn").json()} == {"binary"}
    assert "No model matches" in asker.get("/?q=nowhere").text


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/nowhere", 404, "There is no page at /nowhere"),
        ("/models/nobody", 404, "no model is named"),
        ("/incidents/99", 404, "no incident has the number"),
        ("/incidents/seven", 404, "no incident has the number"),
        (f"{MODEL}?range=2y", 422, "take one of 7d"),
        (f"{MODEL}?start=yesterday", 422, "write a day such as"),
        (f"{MODEL}?metric=roc_auk", 404, "did you mean"),
        (f"{MODEL}/chart?measure=nope", 422, "did you mean"),
        (f"{MODEL}/chart", 422, "name one to eight"),
        (f"{MODEL}/chart?measure=recall&measure=f1&subject=a&subject=b", 422, "name one to eight"),
        (f"{MODEL}/heat?measure=constand", 404, "did you mean"),
        (f"{MODEL}/distribution?column=temp", 422, "both are needed"),
        ("/incidents?state=open-ish", 422, "take one of firing"),
        ("/predictions?column=carrier&op=like&value=U", 422, "take one of ="),
        ("/predictions?column=carrier&op=%3D", 422, "as often as each other"),
    ],
)
def test_an_error_is_a_page_and_a_problem(path: str, status: int, text: str) -> None:
    """In the look of the house for people, as RFC 9457 for programs; both say what would do."""
    page = client().get(path, headers={"Accept": "text/html"})
    problem = client().get(path, headers={"Accept": "application/json"})
    assert (page.status_code, problem.status_code) == (status, status)
    assert text in page.text
    assert "Anchorwatch</title>" in page.text
    assert problem.headers["content-type"] == "application/problem+json"
    assert text in problem.json()["detail"]


def test_what_breaks_is_a_page_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect shows an error page without its insides, and the log gets the rest."""
    watch = watch_of()
    monkeypatch.setattr(type(watch.queries), "status", lambda _: 1 / 0)
    asker = Client(app_of(watch), raising=False)
    page = asker.get("/settings")
    assert page.status_code == 500
    assert "division" not in page.text
    assert "Something broke on our side" in page.text


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back() -> None:
    """The page asked for is the page seen after signing in; a wrong token is told so."""
    asker = client(open_to=None)
    sent = asker.get(f"{MODEL}?range=7d")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/login?next={MODEL}%3Frange%3D7d")
    assert f'value="{MODEL}?range=7d"' in asker.get(sent.headers["location"]).text
    wrong = asker.post("/login", data={"token": "aw_guess", "next": "/"})
    assert wrong.status_code == 401
    assert "This token is nobody" in wrong.text
    right = asker.post("/login", data={"token": "aw_read", "next": f"{MODEL}?range=7d"})
    assert (right.status_code, right.headers["location"]) == (303, f"{MODEL}?range=7d")
    assert asker.get(MODEL).status_code == 200


def test_signing_in_leads_nowhere_else() -> None:
    """An address of another host is not followed."""
    answer = client(open_to=None).post("/login", data={"token": "aw_read", "next": "//evil.example/"})
    assert answer.headers["location"] == "/"


def test_a_program_without_a_token_is_told() -> None:
    """No redirect for who asks for JSON."""
    answer = client(open_to=None).get("/", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/no-token"


def test_signing_out_forgets_the_session() -> None:
    """After it, pages ask for a token again; a forged sign-out does nothing."""
    asker = client(open_to=None)
    asker.post("/login", data={"token": "aw_read"})
    assert asker.post("/logout", data={"csrf": "guess"}).status_code == 403
    assert asker.get("/").status_code == 200
    assert asker.post("/logout", data=CSRF).status_code == 303
    assert asker.get("/").status_code == 303


@pytest.mark.parametrize(("act", "data"), [("acknowledge", {}), ("silence", {"for": "8h"}), ("resolve", {})])
def test_an_incident_is_handled(act: str, data: dict[str, str]) -> None:
    """Each button acts, comes back to the incident, and stands in its timeline with who did it."""
    asker = client(open_to="aw_operate")
    answer = asker.post(f"/incidents/6/{act}", data={**data, **CSRF})
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/6")
    assert asker.get("/incidents/6.json").json()["timeline"][-1]["who"] == "olaf"


def test_silence_ends_when_it_was_said_to() -> None:
    """Eight hours from now."""
    asker = client()
    asker.post("/incidents/6/silence", data={"for": "8h", **CSRF})
    assert asker.get("/incidents/6.json").json()["silenced_until"] == "2014-01-01T04:15:00Z"


@pytest.mark.parametrize(
    ("path", "data", "who", "status"),
    [
        ("/incidents/6/resolve", {}, "aw_admin", 403),
        ("/incidents/6/resolve", {"csrf": "guess"}, "aw_admin", 403),
        ("/incidents/6/resolve", CSRF, "aw_read", 403),
        ("/incidents/3/resolve", CSRF, "aw_admin", 409),
        ("/incidents/6/silence", {"for": "for ever", **CSRF}, "aw_admin", 422),
        ("/settings/tokens", {"name": "x", "scope_read": "on", **CSRF}, "aw_operate", 403),
        ("/settings/tokens", {"name": "x", **CSRF}, "aw_admin", 422),
        ("/settings/tokens/revoke", {"id": "3f9a2b11c0de", **CSRF}, "aw_operate", 403),
    ],
)
def test_a_form_is_refused(path: str, data: dict[str, str], who: str, status: int) -> None:
    """Without the session's word, without the scope, or against what is stored: nothing happens."""
    watch = watch_of()
    before = json.dumps(watch.queries.found)
    assert client(watch, open_to=who).post(path, data=data).status_code == status
    assert json.dumps(watch.queries.found) == before


def test_a_token_is_shown_once() -> None:
    """Its secret stands on the page that made it and nowhere else."""
    asker = client()
    made = asker.post("/settings/tokens", data={"name": "grafana", "scope_read": "on", **CSRF})
    secret = re.search(r"aw_\w+_x{43}", made.text)
    assert secret
    assert made.headers["cache-control"] == "no-store"
    again = asker.get("/settings").text
    assert "grafana" in again
    assert secret[0] not in again


def test_a_revoked_token_is_marked() -> None:
    """It stays in the list, crossed out."""
    asker = client()
    asker.post("/settings/tokens/revoke", data={"id": "3f9a2b11c0de", **CSRF})
    tokens: list[dict[str, Any]] = asker.get("/settings.json").json()["tokens"]
    assert all(token["revoked_at"] for token in tokens)


def test_tokens_are_for_admins_to_see() -> None:
    """A reader sees the store's state only."""
    assert client(open_to="aw_read").get("/settings.json").json()["tokens"] is None


def test_what_users_wrote_is_text() -> None:
    """A value that looks like markup is shown, not run."""
    page = client().get(f"{MODEL}/distribution?column=carrier&start=2013-11-01&end=2013-11-02").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_filters_are_added_and_removed_by_their_addresses() -> None:
    """Each filter's link is the address without it; the page after keeps them all."""
    path = "/predictions?model=flights-late-arrival&column=carrier&op=%3D&value=UA&column=temp&op=%3E&value=3&after=100"
    page = client().get(path).text.replace("&amp;", "&")
    without = re.findall(r'href="([^"]+)" aria-label="Remove the filter on (\w+)"', page)
    assert [name for _, name in without] == ["carrier", "temp"]
    assert "column=temp&op=%3E&value=3" in without[0][0]
    assert "carrier" not in without[0][0]
    assert "after=" not in without[0][0]
    older = re.search(r'href="([^"]+)">Older rows', page)
    assert older
    assert older[1].count("column=") == 2
    assert "after=200" in older[1]


def test_a_fragment_is_only_the_fragment() -> None:
    """The drawer gets the row without the frame; the same address by itself is a whole page."""
    path = "/predictions/flights-late-arrival/row?id=x"
    assert "<html" in client().get(path).text
    assert "<html" not in client().get(path, headers={"HX-Request-Type": "partial"}).text


def test_pages_are_compressed_for_who_can_read_it() -> None:
    """A heat map of thousands of cells crosses the wire in a tenth of its size."""
    answer = client().get(f"{MODEL}/drift?range=1y", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.num_bytes_downloaded * 8 < len(answer.content)
    plain = client().get(f"{MODEL}/drift?range=1y", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


TRY = "/settings/models/flights-late-arrival/try"


def test_rules_are_tried_by_who_may_read() -> None:
    """The page comes back with what would have fired, and with the rules as they were written."""
    page = client(open_to="aw_read").post(TRY, data={"rules": "- {drift: auto}", "days": "90d", **CSRF})
    assert page.status_code == 200
    assert "1 incident</b> would have fired" in page.text
    assert "- {drift: auto}</textarea>" in page.text


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("- {drift: auto, abov: 3}", "rules:1: rules[0].abov: no setting is named &#39;abov&#39;"),
        ("- {metric: maee, above: 3}", "did you mean"),
        ("", "no rule is given"),
        ("rules: [", "is no YAML"),
        ("<script>alert(1)</script>", "no rule is given"),
    ],
)
def test_rules_that_cannot_be_read_stay_to_be_mended(rules: str, told: str) -> None:
    """The page says which line and what would do, and keeps what was written; programs get a problem."""
    form = {"rules": rules, "days": "30d", **CSRF}
    page = client().post(TRY, data=form)
    assert page.status_code == 422
    assert told in page.text
    assert "<script>alert" not in page.text
    problem = client().post(TRY, data=form, headers={"Accept": "application/json"})
    assert (problem.status_code, problem.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize(("change", "status"), [({"csrf": "guess"}, 403), ({"days": "2y"}, 422)])
def test_rules_are_not_tried_by_a_form_from_elsewhere(change: dict[str, str], status: int) -> None:
    """Without the session's word, or over a span that is not offered."""
    assert (
        client().post(TRY, data={"rules": "- {drift: auto}", "days": "90d", **CSRF, **change}).status_code
        == status
    )


def test_the_heat_map_shows_drift_unless_asked_for_another() -> None:
    """The share of rows that moved; the others stand in the menu under their headings."""
    asker = client()
    assert asker.get(f"{MODEL}/drift.json").json()["measure"] == "drift"
    assert asker.get(f"{MODEL}/drift.json?metric=psi").json()["measure"] == "psi"
    page = asker.get(f"{MODEL}/drift?metric=psi").text
    assert '<optgroup label="Distances">' in page
    assert "No rule judges Population stability index" in page


def test_main_measures_come_first() -> None:
    """Eight charts before anything is opened; every other measure is in a group, once."""
    page = client().get(MODEL).text
    open_part, _, closed = page.partition('id="more-h"')
    assert open_part.count('class="chart small') == 8
    assert "measure=roc_auc" in open_part
    assert "measure=lift_p1" not in open_part
    assert closed.count("chart?measure=lift_p10&#34;") + closed.count('chart?measure=lift_p10"') == 1


def test_outlying_rows_are_marked_and_found() -> None:
    """Marked in the table, one click away; the click is not offered again."""
    page = client().get("/predictions?model=flights-late-arrival").text
    assert page.count('<tr class="flagged">') > 3
    link = re.search(r'href="([^"]+)">Flagged rows only', page)
    assert link
    assert "Flagged rows only" not in client().get(link[1].replace("&amp;", "&")).text


def test_concept_drift_is_said_plainly() -> None:
    """When no input moved; otherwise the inputs stand in order, the lines of the first in its own colour."""
    assert "No input moved: concept drift" in client().get("/incidents/3").text
    page = client().get("/incidents/7").text
    assert "No input moved" not in page
    assert page.index(">precip</a>") < page.index(">carrier</a>")
    assert "column=precip&amp;start=2013-12-30T05%3A00%3A00Z" in page
