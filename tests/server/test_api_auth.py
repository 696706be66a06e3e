from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from tests.server.conftest import NOW, Api, prediction

from anchorwatch.core.errors import ConfigError
from anchorwatch.server.app import create_app
from anchorwatch.server.options import ServerOptions
from anchorwatch.server.session import COOKIE, Signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

EVENTS = "/models/late/predictions"


def status(api: Api, method: str = "GET", path: str = "/models", **options: Any) -> int:
    """Of one request."""
    return api.ask(method, path, **options).status_code


def from_elsewhere(
    api: Api, host: str = "localhost", client: str = "127.0.0.1", **headers: str
) -> httpx.Response:
    """One answer to a request that came another way."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.at_once([("GET", "/models", {"headers": named})], host=host, client=client)[0]


def test_a_fresh_store_is_open_to_its_own_machine(api: Api) -> None:
    """Until the first token is made; from then on for good."""
    assert status(api) == 200
    admin = api.token("admin")
    answer = api.ask("GET", "/models")
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/no-token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert status(api, headers=admin) == 200
    number = api.ask("GET", "/tokens", headers=admin).json()[0]["id"]
    assert status(api, "DELETE", f"/tokens/{number}", headers=admin) == 204
    api.clock.seconds += 10
    assert status(api, headers=admin) == 401
    assert status(api) == 401


@pytest.mark.parametrize(
    "way",
    [
        {"client": "192.168.0.7"},
        {"client": "203.0.113.9"},
        {"host": "anchorwatch.example"},
        {"host": "evil.example:8321"},
        {"X_Forwarded_For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
    ],
)
def test_a_fresh_store_is_closed_to_others(api: Api, way: dict[str, str]) -> None:
    """To other machines, to names that merely point here, and to whatever a proxy passes on."""
    assert status(api) == 200
    assert from_elsewhere(api, **way).status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "[::1]:8321", "localhost:8321"])
def test_loopback_has_several_names(api: Api, host: str) -> None:
    """All of them are this machine."""
    assert from_elsewhere(api, host=host).status_code == 200


SCOPES = [
    ("GET", "/models", {}, {"read", "admin"}),
    ("GET", "/models/late", {}, {"read", "admin"}),
    ("GET", "/models/late/predictions", {}, {"read", "admin"}),
    ("GET", "/measures", {}, {"read", "admin"}),
    ("GET", "/incidents", {}, {"read", "admin"}),
    ("GET", "/status", {}, {"read", "admin"}),
    ("POST", EVENTS, {"json": prediction("a")}, {"ingest", "admin"}),
    ("POST", "/models/late/outcomes", {"json": []}, {"ingest", "admin"}),
    ("PUT", "/models/other", {"json": {"task": "regression"}}, {"operate", "admin"}),
    ("PUT", "/models/late/reference", {"content": b""}, {"operate", "admin"}),
    ("POST", "/incidents/1/acknowledge", {}, {"operate", "admin"}),
    ("POST", "/incidents/1/resolve", {}, {"operate", "admin"}),
    ("POST", "/incidents/1/silence", {"json": {"until": "2026-02-01"}}, {"operate", "admin"}),
    ("POST", "/set-aside/retry", {}, {"operate", "admin"}),
    ("GET", "/tokens", {}, {"admin"}),
    ("POST", "/tokens", {"json": {"name": "n", "scopes": ["read"]}}, {"admin"}),
    ("DELETE", "/tokens/abc", {}, {"admin"}),
]


@pytest.mark.parametrize("scope", ["ingest", "read", "operate", "admin"])
def test_scopes_open_what_they_cover(api: Api, scope: str) -> None:
    """And nothing else; the problem names the scope that is needed."""
    headers = api.token(scope)
    answers = api.at_once(
        [(method, path, {**options, "headers": headers}) for method, path, options, _ in SCOPES]
    )
    for (method, path, _, scopes), answer in zip(SCOPES, answers, strict=True):
        denied = answer.status_code == 403
        assert denied == (scope not in scopes), f"{method} {path}: {answer.status_code}"
        if denied:
            assert "needs a token with the scope" in answer.json()["detail"]


@pytest.mark.parametrize("token", ["", "x", "aw_0123456789ab_" + "x" * 43, "aw_é", "a" * 10_000])
def test_a_token_that_is_nobodys(api: Api, token: str) -> None:
    """Is as none, even where none would do."""
    headers = {"Authorization": f"Bearer {token}".encode()}
    assert status(api, headers=headers) == 401
    assert status(api, "POST", EVENTS, json=prediction("a"), headers=headers) == 401


def test_health_needs_no_token(api: Api) -> None:
    """Orchestrators have none."""
    api.token("admin")
    assert (status(api, path="/health/live"), status(api, path="/health/ready")) == (200, 200)


def test_a_token_is_shown_once(api: Api) -> None:
    """Lists have no secret, nor has the store."""
    made = api.ask("POST", "/tokens", json={"name": "job", "scopes": ["ingest"]})
    assert made.status_code == 201
    secret = made.json()["token"]
    api.clock.seconds += 10
    headers = {"Authorization": f"Bearer {secret}"}
    assert status(api, "POST", EVENTS, json=prediction("a"), headers=headers) == 200
    listed = api.ask("GET", "/tokens", headers=api.token("admin"))
    assert secret.rpartition("_")[2] not in listed.text
    assert listed.json()[0]["scopes"] == ["ingest"]


# sessions --------------------------------------------------------------------------------------------------


def signed_in(api: Api, *scopes: str) -> tuple[str, str]:
    """Cookie and CSRF token of a session."""
    token = api.token(*scopes)["Authorization"].removeprefix("Bearer ")
    response = Response()
    scope = {
        "type": "http",
        "scheme": "https",
        "method": "POST",
        "path": "/",
        "headers": [],
        "server": ("localhost", 443),
    }
    assert api.app.state.door.gate.sign_in(Request(scope), response, token) is not None
    line = response.headers["set-cookie"]
    assert all(word in line for word in ("HttpOnly", "SameSite=lax", "Secure", "Path=/", "Max-Age=43200"))
    cookie = line.partition(";")[0]
    asking = Request({**scope, "headers": [(b"cookie", cookie.encode())]})
    return cookie, api.app.state.door.gate.csrf_token(asking)


def test_a_session_reads_with_its_cookie_and_acts_with_its_word(api: Api) -> None:
    """An unsafe request by cookie needs the header that only our pages know."""
    cookie, csrf = signed_in(api, "read", "operate")
    body = {"json": {"task": "regression"}}
    assert status(api, headers={"Cookie": cookie}) == 200
    assert status(api, "PUT", "/models/new", headers={"Cookie": cookie}, **body) == 403
    assert status(api, "PUT", "/models/new", headers={"Cookie": cookie, "X-CSRF-Token": "x"}, **body) == 403
    assert status(api, "PUT", "/models/new", headers={"Cookie": cookie, "X-CSRF-Token": csrf}, **body) == 200


@pytest.mark.parametrize(
    "header",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)
def test_other_sites_cannot_act(api: Api, header: dict[str, str]) -> None:
    """Neither by a cookie nor on an open store; programs with a token are no site."""
    assert status(api, "POST", EVENTS, json=prediction("a"), headers=header) == 403
    cookie, csrf = signed_in(api, "admin")
    headers = {"Cookie": cookie, "X-CSRF-Token": csrf, **header}
    assert status(api, "PUT", "/models/new", json={"task": "regression"}, headers=headers) == 403
    token = api.token("operate")
    assert status(api, "PUT", "/models/new", json={"task": "regression"}, headers={**token, **header}) == 200


def test_a_session_ends_with_its_token(api: Api) -> None:
    """Revoking is enough."""
    cookie, _ = signed_in(api, "read")
    number = api.watch.ledger.tokens.list()[-1].id
    assert status(api, headers={"Cookie": cookie}) == 200
    api.watch.ledger.tokens.revoke(number)
    api.clock.seconds += 10
    assert status(api, headers={"Cookie": cookie}) == 401


@pytest.mark.parametrize(
    "damage",
    [lambda text: text[:-1], lambda text: text.replace(".", ".1", 1), lambda _: "a.b.c.d", lambda _: ""],
)
def test_a_cookie_of_another_hand_is_none(api: Api, damage: Any) -> None:
    """Cut, changed, made up or empty."""
    cookie, _ = signed_in(api, "admin")
    text = cookie.partition("=")[2]
    assert status(api, headers={"Cookie": f"{COOKIE}={text}"}) == 200
    assert status(api, headers={"Cookie": f"{COOKIE}={damage(text)}"}) == 401


def test_a_session_ends_in_time() -> None:
    """The cookie itself says when."""
    signer = Signer(b"k" * 32)
    ends = int((NOW + timedelta(hours=1)).timestamp())
    cookie = signer.write("abc", ends)
    found = signer.read(cookie, ends - 1)
    assert found is not None
    assert (found.token, found.ends) == ("abc", ends)
    assert signer.read(cookie, ends) is None
    assert Signer(b"j" * 32).read(cookie, ends - 1) is None


def test_every_answer_is_guarded(api: Api) -> None:
    """Good ones, problems and addresses that do not exist."""
    for path in ("/models", "/models/none", "/nothing", "/openapi.json"):
        headers = api.ask("GET", path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


@pytest.fixture
def proxied(api: Api) -> Iterator[Api]:
    """The same watch behind a proxy that speaks TLS for `watch.example.com`."""
    options = ServerOptions(public_url="https://watch.example.com")
    app = create_app(api.watch, options=options, clock=api.clock)
    yield Api(api.watch, app, api.clock)
    app.state.door.intake.close()


def browse(
    api: Api, method: str, path: str, cookie: str = "", data: dict[str, str] | None = None, **headers: str
) -> httpx.Response:
    """A browser's request as a proxy passes it on: from loopback, in clear, under the proxy's own `Host`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.at_once(
        [
            (
                method,
                f"/../..{path}",
                {"headers": {**sent, **({"Cookie": cookie} if cookie else {})}, "data": data},
            )
        ],
        host="127.0.0.1:8321",
    )[0]


def test_behind_a_proxy_cookies_travel_by_tls_alone(proxied: Api) -> None:
    """Signing in, acting with the form's token and signing out go on working; what lacks them does not."""
    secret = proxied.token("admin")["Authorization"].removeprefix("Bearer ")
    home = {"Origin": "https://watch.example.com"}
    answer = browse(proxied, "POST", "/login", data={"token": secret, "next": "/settings"}, **home)
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings")
    said = answer.headers["set-cookie"]
    assert {"Secure", "HttpOnly", "SameSite=lax"} <= {part.strip() for part in said.split(";")}
    cookie = said.partition(";")[0]
    page = browse(proxied, "GET", "/settings", cookie).text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    assert csrf
    made = {"name": "one more", "scope_read": "on", "csrf": csrf}
    evil = {"Origin": "https://evil.example"}
    assert browse(proxied, "POST", "/settings/tokens", cookie, made, **evil).status_code == 403
    assert (
        browse(proxied, "POST", "/settings/tokens", cookie, {**made, "csrf": "x"}, **home).status_code == 403
    )
    assert browse(proxied, "POST", "/settings/tokens", cookie, made, **home).status_code in {200, 303}
    out = browse(proxied, "POST", "/logout", cookie, {"csrf": csrf}, **home)
    assert out.status_code == 303
    assert "Secure" in out.headers["set-cookie"]


def test_without_a_proxy_a_cookie_says_what_the_request_was(api: Api) -> None:
    """In clear on the own machine, where `Secure` would keep browsers from sending it."""
    secret = api.token("admin")["Authorization"].removeprefix("Bearer ")
    answer = browse(api, "POST", "/login", data={"token": secret})
    assert "Secure" not in answer.headers["set-cookie"]


def test_headers_of_a_request_make_nothing_secure_or_ours(api: Api, proxied: Api) -> None:
    """A forged `X-Forwarded-Proto` is not believed, and behind a proxy nobody is the own machine."""
    assert status(api) == 200
    assert status(proxied) == 401
    secret = api.token("admin")["Authorization"].removeprefix("Bearer ")
    answer = browse(api, "POST", "/login", data={"token": secret}, X_Forwarded_Proto="https")
    assert "Secure" not in answer.headers["set-cookie"]


@pytest.mark.parametrize("url", ["watch.example.com", "ftp://a", "https://", "https://a/b"])
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    """With what would do."""
    with pytest.raises(ConfigError, match="public_url"):
        ServerOptions(public_url=url)
