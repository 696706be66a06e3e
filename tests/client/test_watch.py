from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import anchorwatch.client as aw
from anchorwatch.core.errors import ConflictError, DeniedError, InputError, TooLargeError, UnknownError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    Connect = Callable[..., aw.Watching]

SPEC = ModelSpec(name="m", task=Task.REGRESSION, columns=(Column("n", Kind.NUMBER),))


def test_registering_puts_spec_rules_and_reference(server: Any, connect: Connect) -> None:
    """A spec travels as JSON with its rules, its reference as Arrow with its version."""
    model = connect().register(
        SPEC, pl.DataFrame({"n": [1.0]}), version="3", rules=[Rule(name="high", measure="mae", above=60.0)]
    )
    (_, first, _, spec), (method, second, _, table) = server.requests
    assert model.name == "m"
    assert (first, method, second) == ("/api/v1/models/m", "PUT", "/api/v1/models/m/reference?version=3")
    sent = json.loads(spec)
    rules = sent.pop("rules")
    assert ModelSpec.from_dict(sent) == SPEC
    assert (rules[0]["name"], rules[0]["above"], rules[0]["severity"]) == ("high", 60.0, "warn")
    assert pl.read_ipc_stream(io.BytesIO(table))["n"].to_list() == [1.0]


def test_without_rules_none_are_sent(server: Any, connect: Connect) -> None:
    """Leaving rules out leaves them as they are."""
    connect().register(SPEC)
    assert "rules" not in json.loads(server.requests[0][3])


def test_questions_are_asked_where_the_api_answers_them(server: Any, connect: Connect) -> None:
    """Names of queries become paths; the token travels in its header."""
    watch = connect()
    server.answers = {
        "/models": [{"name": "m"}],
        "/incidents": [],
        "/models/m/series": {"value": [1]},
        "/status": {},
    }
    assert watch.models() == [{"name": "m"}]
    assert watch.model("m").incidents() == []
    assert watch.model("m").series("mae", grain="1d", start=None) == {"value": [1]}
    watch.query("model", name="m")
    watch.query("predictions", model="m", filters=[{"column": "n", "op": ">", "value": 1}])
    watch.query("incident", id=7)
    assert [request[1].removeprefix("/api/v1") for request in server.requests] == [
        "/models",
        "/incidents?model=m",
        "/models/m/series?measure=mae&grain=1d",
        "/models/m",
        "/models/m/predictions?filters=%5B%7B%22column%22%3A+%22n%22%2C+%22op%22%3A+%22%3E%22%2C+%22value%22%3A+1%7D%5D",
        "/incidents/7",
    ]
    with aw.connect(server.url + "/", token="aw_1_s") as known:
        known.models()
    assert server.requests[-1][2]["Authorization"] == "Bearer aw_1_s"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, DeniedError), (403, DeniedError), (404, UnknownError), (409, ConflictError), (413, TooLargeError),
     (422, InputError), (429, aw.TransportDown), (500, aw.TransportDown)],
)  # fmt: skip
def test_questions_do_raise(status: int, error: type[Exception], server: Any, connect: Connect) -> None:
    """Each refusal is the error it is in the tree, with the server's words."""
    server.always = (status, {})
    with pytest.raises(error, match="told to fail"):
        connect().models()


def test_a_connection_the_server_closed_is_replaced(server: Any, connect: Connect) -> None:
    """A kept connection that went stale is no error."""
    watch = connect()
    watch.models()
    server.cut_idle()
    watch.models()
    server.stop()
    with pytest.raises(aw.TransportDown):
        watch.models()
    server.start()
    watch.models()


def test_something_else_behind_the_url_keeps_the_events(server: Any, connect: Connect, caplog: Any) -> None:
    """A 200 from a stranger is no receipt."""
    model = connect().model("m")
    server._take, taken = (lambda *_: {"hello": 1}), server._take
    model.log({"n": 1}, prediction=1)
    assert not model.flush(0.05)
    server._take = taken
    assert model.flush()
    assert model.stats.sent == 1
    assert "check the URL" in caplog.text


def test_retry_after_may_be_a_date(server: Any, connect: Connect) -> None:
    """Both forms of the header are read, and nonsense is no error."""
    watch = connect()
    for text, low, high in (
        ("120", 119, 121),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 0, 0),
        ("soon", 0, 0),
        ("1e99", 600, 600),
    ):
        server.faults.append((503, {"Retry-After": text}))
        with pytest.raises(aw.TransportDown) as told:
            watch.models()
        assert told.value.retry_after is not None
        assert low <= told.value.retry_after <= high


def test_importing_the_client_loads_nothing_heavy() -> None:
    """No NumPy, no HTTP, no TLS, nothing that is not the standard library's or ours."""
    script = (
        "import sys; before = set(sys.modules); import anchorwatch.client; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": "src"})  # fmt: skip
    loaded = set(done.stdout.split())
    assert done.returncode == 0, done.stderr
    assert loaded - set(sys.stdlib_module_names) - {"_distutils_hack"} == {"anchorwatch"}
    assert not loaded & {"http", "ssl", "asyncio", "multiprocessing", "decimal"}
