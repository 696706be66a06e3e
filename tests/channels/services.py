"""Other people's services on this machine, as strict as the real ones, and a channel set up for each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

from anchorwatch.channels.webhook import verify
from anchorwatch.core.errors import DeniedError
from anchorwatch.core.messages import Message, MessageKind
from anchorwatch.core.types import IncidentState, Severity

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass
class HandClock:
    """Stands still."""

    at: datetime = NOW

    def now(self) -> datetime:
        """The time it was given."""
        return self.at

    def monotonic(self) -> float:
        """None passes."""
        return 0.0


def message(kind: MessageKind = MessageKind.FIRING, **changes: Any) -> Message:
    """An ordinary message about the third incident of the model `flights`."""
    usual: dict[str, Any] = {
        "id": "flights/drift/3#1",
        "kind": kind,
        "thread": "flights/drift/3",
        "model": "flights",
        "incident": 3,
        "severity": Severity.PAGE,
        "state": IncidentState.FIRING,
        "title": "Firing: flights: PSI of dep_delay is 0.41",
        "text": "What: PSI of dep_delay is 0.41, limit 0.2\nSince: 2026-01-09\nDone so far: nothing yet",
        "facts": (("Model", "flights"), ("Likely cause", "dep_delay moved by 20 min")),
        "links": (("Open incident", "https://watch.example/incidents/3"),),
        "at": NOW,
    }
    return Message(**(usual | changes))


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which says that it is JSON."""
        assert self.headers["content-type"].split(";")[0] == "application/json", self.headers
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body, which says that it is a form; no field twice, none empty."""
        assert self.headers["content-type"].split(";")[0] == "application/x-www-form-urlencoded", self.headers
        pairs = parse_qsl(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, body: Any, status: int = 200) -> Reply:
        """An answer in JSON."""
        return cls(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


Service = Callable[[Seen], Reply]


class Wire:
    """A service on a port of this machine; an `AssertionError` of the service is kept in `faults`, and answered 400."""

    def __init__(self, service: Service, tls: ssl.SSLContext | None = None) -> None:
        self.service = service
        self.seen: list[Seen] = []
        self.faults: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's own
                """Say nothing."""

        def handle(request: BaseHTTPRequestHandler) -> None:
            self.handle(request)

        for method in ("POST", "GET", "PUT"):
            setattr(Handler, f"do_{method}", handle)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda request, client: None  # type: ignore[method-assign]
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def place(self) -> str:
        """Host and port."""
        return self.address.removeprefix("http://")

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Read, ask the service, answer."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen = Seen(request.command, request.path, headers, body)
        self.seen.append(seen)
        try:
            reply = self.service(seen)
        except (AssertionError, ValueError, KeyError, DeniedError) as fault:
            self.faults.append(f"{fault.__class__.__name__}: {fault}")
            reply = Reply(400, b"bad")
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(reply.body)))
        request.end_headers()
        request.wfile.write(reply.body)

    def close(self) -> None:
        """Let go of the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def wired(service: Service) -> Iterator[Wire]:
    """A service while the block lasts."""
    wire = Wire(service)
    try:
        yield wire
    finally:
        wire.close()


class SlackService:
    """The five methods of Slack's Web API that a bot needs, and an incoming webhook."""

    TOKEN = "xoxb-1234567890-ABCdefGHI"
    HOOK = "/services/T0AAAAAAA/B0AAAAAAA/abcdefghijklmnopqrstuvwx"

    def __init__(self) -> None:
        self.address = ""
        self.messages: dict[str, dict[str, Any]] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.hooked: list[dict[str, Any]] = []

    def __call__(self, seen: Seen) -> Reply:
        """Answer as the real one would."""
        assert seen.method == "POST"
        if seen.path.startswith("/upload/"):
            return self._take(seen)
        if seen.path == self.HOOK:
            body = seen.json
            check_blocks(body)
            self.hooked.append(body)
            return Reply(200, b"ok")
        if seen.headers.get("authorization") != f"Bearer {self.TOKEN}":
            return Reply.json({"ok": False, "error": "invalid_auth"})
        methods = {
            "/api/chat.postMessage": self._post,
            "/api/chat.update": self._update,
            "/api/files.getUploadURLExternal": self._ticket,
            "/api/files.completeUploadExternal": self._complete,
        }
        return Reply.json(methods[seen.path](seen))

    def _post(self, seen: Seen) -> dict[str, Any]:
        body = seen.json
        check_blocks(body)
        if body["channel"] not in {"ml", "C0ML"}:
            return {"ok": False, "error": "channel_not_found"}
        thread = body.get("thread_ts")
        if thread is not None:
            assert self.messages[thread].get("thread_ts") is None, "a reply is no parent"
        stamp = f"1700000000.{len(self.messages):06d}"
        self.messages[stamp] = body
        return {"ok": True, "channel": "C0ML", "ts": stamp, "message": {}}

    def _update(self, seen: Seen) -> dict[str, Any]:
        body = seen.json
        check_blocks(body)
        assert body["channel"] == "C0ML", "an update needs the channel's id"
        if body["ts"] not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        self.messages[body["ts"]] |= {"blocks": body["blocks"], "text": body["text"], "edited": True}
        return {"ok": True, "channel": "C0ML", "ts": body["ts"]}

    def _ticket(self, seen: Seen) -> dict[str, Any]:
        form = seen.form
        assert form["filename"]
        assert len(form.get("alt_txt", "")) <= 1000
        name = f"F{len(self.files):08d}"
        self.files[name] = {"length": int(form["length"]), "state": "asked"}
        return {"ok": True, "upload_url": f"{self.address}/upload/{name}", "file_id": name}

    def _take(self, seen: Seen) -> Reply:
        file = self.files[seen.path.rpartition("/")[2]]
        assert "authorization" not in seen.headers, "the upload's address is its own permission"
        assert len(seen.body) == file["length"]
        assert seen.body.startswith(b"\x89PNG")
        file["state"] = "here"
        return Reply(200, b"OK")

    def _complete(self, seen: Seen) -> dict[str, Any]:
        body = seen.json
        assert body["channel_id"] == "C0ML"
        assert body["thread_ts"] in self.messages
        for item in body["files"]:
            assert self.files[item["id"]]["state"] == "here"
            self.files[item["id"]] |= {"state": "shown", "thread": body["thread_ts"]}
        return {"ok": True, "files": body["files"]}


def check_blocks(body: dict[str, Any]) -> None:
    """As Slack's validation, which answers `invalid_blocks` and little else."""
    assert 0 < len(body["text"]) <= 4000
    assert 0 < len(body["blocks"]) <= 50
    for block in body["blocks"]:
        kind = block["type"]
        assert kind in {"header", "section", "context", "actions"}
        if kind == "header":
            _text(block["text"], "plain_text", 150)
        elif kind == "context":
            assert 0 < len(block["elements"]) <= 10
            for element in block["elements"]:
                _text(element, "mrkdwn", 3000)
        elif kind == "actions":
            assert 0 < len(block["elements"]) <= 25
            for element in block["elements"]:
                assert element["type"] == "button"
                _text(element["text"], "plain_text", 75)
                assert len(element["url"]) <= 3000
        else:
            assert ("text" in block) != ("fields" in block)
            for item in block.get("fields", []):
                _text(item, "mrkdwn", 2000)
            assert len(block.get("fields", [1])) in range(1, 11)
            if "text" in block:
                _text(block["text"], "mrkdwn", 3000)


def _text(item: dict[str, Any], kind: str, most: int) -> None:
    assert item["type"] == kind
    size = len(item["text"].encode("utf-16-le")) // 2
    assert 0 < size <= most, f"{size} characters in {kind}"
    if kind == "mrkdwn":
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", item["text"]), "not escaped"


class PagerDutyService:
    """Events API v2: what is open, acknowledged and resolved by key."""

    KEY = "0123456789abcdef0123456789abcdef"

    def __init__(self) -> None:
        self.alerts: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []

    def __call__(self, seen: Seen) -> Reply:
        """Answer as the real one would."""
        assert (seen.method, seen.path) == ("POST", "/v2/enqueue")
        assert len(seen.body) <= 512_000
        event = seen.json
        if len(event["routing_key"]) != 32:
            return Reply.json({"status": "invalid event", "errors": ["Length of 'routing_key'"]}, 400)
        action, key = event["event_action"], event["dedup_key"]
        assert action in {"trigger", "acknowledge", "resolve"}
        assert 0 < len(key) <= 255
        known = {"routing_key", "event_action", "dedup_key"}
        if action == "trigger":
            known |= {"payload", "links", "client", "client_url"}
            self._check(event)
        assert event.keys() <= known
        if action == "trigger" and self.alerts.get(key) != "acknowledged":
            self.alerts[key] = "triggered"
        elif action != "trigger" and key in self.alerts:
            self.alerts[key] = action.rstrip("e") + "ed"
        self.events.append(event)
        return Reply.json({"status": "success", "message": "Event processed", "dedup_key": key}, 202)

    @staticmethod
    def _check(event: dict[str, Any]) -> None:
        payload = event["payload"]
        assert 0 < len(payload["summary"]) <= 1024
        assert "\n" not in payload["summary"]
        assert payload["source"]
        assert payload["severity"] in {"critical", "error", "warning", "info"}
        assert datetime.fromisoformat(payload["timestamp"]).tzinfo is not None
        assert isinstance(payload["custom_details"], dict)
        for link in event["links"]:
            assert link.keys() == {"href", "text"}
            assert link["href"].startswith("http")


class TwilioService:
    """Twilio's message resource."""

    ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"

    def __init__(self) -> None:
        self.texts: list[dict[str, str]] = []

    def __call__(self, seen: Seen) -> Reply:
        """Answer as the real one would."""
        assert (seen.method, seen.path) == ("POST", f"/2010-04-01/Accounts/{self.ACCOUNT}/Messages.json")
        login = base64.b64encode(f"{self.ACCOUNT}:{self.TOKEN}".encode()).decode()
        if seen.headers.get("authorization") != f"Basic {login}":
            return Reply.json({"code": 20003, "message": "Authenticate", "status": 401}, 401)
        form = seen.form
        assert form.keys() in ({"To", "From", "Body"}, {"To", "MessagingServiceSid", "Body"})
        assert 0 < len(form["Body"]) <= 1600
        if not re.fullmatch(r"\+[1-9]\d{6,14}", form["To"]):
            return Reply.json({"code": 21211, "message": f"Invalid 'To' {form['To']}", "status": 400}, 400)
        self.texts.append(form)
        return Reply.json({"sid": f"SM{len(self.texts):032d}", "status": "queued"}, 201)


class SnsService:
    """SNS's Publish; signatures are recomputed from Amazon's description, header by header."""

    KEY, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-north-1"
    _ANSWER = (
        '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
        "<MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId></PublishResult></PublishResponse>"
    )

    def __init__(self) -> None:
        self.published: list[dict[str, str]] = []

    def __call__(self, seen: Seen) -> Reply:
        """Answer as the real one would."""
        assert (seen.method, seen.path) == ("POST", "/")
        if not self._signed(seen):
            return self.refused("SignatureDoesNotMatch", 403)
        form = seen.form
        assert (form["Action"], form["Version"]) == ("Publish", "2010-03-31")
        assert len({"PhoneNumber", "TopicArn"} & form.keys()) == 1
        assert 0 < len(form["Message"].encode()) <= 262_144
        if "Subject" in form:
            assert re.fullmatch(r"[A-Za-z0-9!-/\[][ -~]{0,98}", form["Subject"]), form["Subject"]
        if form.get("TopicArn", "").endswith(".fifo"):
            assert re.fullmatch(r"[!-~]{1,128}", form["MessageGroupId"])
            assert re.fullmatch(r"[!-~]{1,128}", form["MessageDeduplicationId"])
        self.published.append(form)
        return Reply(200, self._ANSWER.encode(), {"Content-Type": "text/xml"})

    @staticmethod
    def refused(code: str, status: int) -> Reply:
        """As SNS refuses."""
        error = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>"
        return Reply(status, error.encode(), {"Content-Type": "text/xml"})

    def _signed(self, seen: Seen) -> bool:
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
            r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
            seen.headers["authorization"],
        )
        assert found is not None
        key, day, region, service, names, mark = found.groups()
        assert (key, region, service) == (self.KEY, self.REGION, "sns")
        assert {"host", "x-amz-date"} <= set(names.split(";"))
        stamp = seen.headers["x-amz-date"]
        assert stamp.startswith(day)
        canonical = ["POST", "/", ""]
        canonical += [f"{name}:{seen.headers[name].strip()}" for name in names.split(";")]
        canonical += ["", names, hashlib.sha256(seen.body).hexdigest()]
        digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{region}/{service}/aws4_request\n{digest}"
        signing = f"AWS4{self.SECRET}".encode()
        for part in (day, region, service, "aws4_request"):
            signing = hmac.digest(signing, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(signing, text.encode(), "sha256").hex(), mark)


class AlertmanagerService:
    """`POST /api/v2/alerts` as its OpenAPI document says."""

    _FIELDS: ClassVar[set[str]] = {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []

    def __call__(self, seen: Seen) -> Reply:
        """Answer as the real one would."""
        assert (seen.method, seen.path) == ("POST", "/api/v2/alerts")
        for alert in seen.json:
            assert alert.keys() <= self._FIELDS
            assert alert["labels"]
            for name, value in (alert["labels"] | alert["annotations"]).items():
                assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name), name
                assert isinstance(value, str)
                assert value
            start, end = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
            assert start.tzinfo is not None
            assert start <= end
            self.alerts.append(alert)
        return Reply(200, b"")


class HookService:
    """A receiver that checks signatures and drops what it has had."""

    SECRET = "a-secret-of-thirty-two-characters"
    PATH = "/hooks/s3cr3t-path"

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, Any]] = {}
        self.again = 0

    def __call__(self, seen: Seen) -> Reply:
        """Answer as the real one would."""
        assert (seen.method, seen.path) == ("POST", self.PATH)
        found = verify(self.SECRET, seen.headers, seen.body, NOW)
        self.again += found in self.taken
        self.taken[found] = seen.json
        return Reply(204, b"")


class AppriseService:
    """What Apprise's `json://` sends."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def __call__(self, seen: Seen) -> Reply:
        """Answer as the real one would."""
        assert (seen.method, urlsplit(seen.path).path) == ("POST", "/s3cr3t-path")
        assert not parse_qs(urlsplit(seen.path).query)
        body = seen.json
        assert body["message"]
        assert body["type"] in {"info", "success", "warning", "failure"}
        self.taken.append(body)
        return Reply()
