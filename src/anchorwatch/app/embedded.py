"""A watch within the process, behind the same client as one behind HTTP."""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from anchorwatch.app.declare import declared
from anchorwatch.app.watch import Watch
from anchorwatch.client.options import ClientOptions
from anchorwatch.client.transport import ARROW, Refused, TransportDown
from anchorwatch.client.watch import Watching
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import InputError, StoreError, UnknownError
from anchorwatch.core.registry import unknown
from anchorwatch.flow.take import Terms, take_arrow, take_ndjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.client.transport import Outgoing
    from anchorwatch.core.clock import Clock

_QUESTIONS = (
    "models",
    "model",
    "measures",
    "series",
    "heatmap",
    "distribution",
    "results",
    "span",
    "confusion",
    "calibration",
    "alarms",
    "incidents",
    "incident",
    "predictions",
    "status",
)


class EmbeddedTransport:
    """`client.transport.Transport` onto a `Watch` of this process."""

    def __init__(self, watch: Watch, address: str, clock: Clock) -> None:
        self.watch = watch
        self._address = address
        self._clock = clock
        self._forked = False

    @property
    def address(self) -> str:
        """The store's folder."""
        return self._address

    def send(self, batch: Outgoing) -> Mapping[str, Any]:
        """Take a batch; it is on disk when this returns."""
        if self._forked:
            raise TransportDown(
                f"{self._address}: the store stayed with the parent process; use a server and anchorwatch.connect(url) "
                "where processes fork"
            )
        take = take_arrow if batch.content_type == ARROW else take_ndjson
        terms = Terms(id=batch.key, now=self._clock.now(), on_error=batch.on_error)
        try:
            taken = take(self.watch.spec(batch.model), batch.kind, _plain(batch), terms)
            return asdict(self.watch.take(taken))
        except (InputError, UnknownError) as problem:
            raise Refused(str(problem)) from problem
        except StoreError as problem:
            raise TransportDown(str(problem)) from problem

    def query(self, name: str, /, **params: Any) -> Any:
        """Ask one of the watch's queries by its name."""
        if name not in _QUESTIONS:
            raise UnknownError(unknown("query", name, _QUESTIONS))
        return getattr(self.watch.queries, name)(**params)

    def put(self, name: str, body: Mapping[str, Any] | bytes, /, *, model: str, **params: Any) -> Any:
        """Store a model's declaration or its reference."""
        if name == "reference" and isinstance(body, bytes):
            self.watch.set_reference(
                model, pl.read_ipc_stream(io.BytesIO(body)), version=params.get("version", "")
            )
        elif name == "model" and not isinstance(body, bytes):
            self.watch.apply(*declared(body))
        else:
            raise UnknownError(unknown("declaration", name, ["model", "reference"]))
        return None

    def reset(self) -> None:
        """In a forked child the store is not ours."""
        self._forked = True

    def close(self) -> None:
        """Close the store."""
        if not self._forked:
            self.watch.close()


class Embedded(Watching):
    """A watch in this process: `settle()` works off all that was logged before it returns."""

    def __init__(self, transport: EmbeddedTransport, options: ClientOptions) -> None:
        super().__init__(transport, options)
        self.watch = transport.watch

    def settle(self) -> None:
        """Send, fold, join, archive, measure and judge all that was logged so far."""
        self.flush(None)
        self.watch.settle()


def open(  # noqa: A001 - `aw.open(path)` is what people write
    path: str | Path, *, clock: Clock | None = None, **options: Any
) -> Embedded:
    """A watch in a folder of this machine, without a server; `options` are those of `ClientOptions`.

    Raises `BusyError` when another process holds the folder.
    """
    settings = ClientOptions.read(options)
    told = clock or SystemClock()
    watch = Watch.open(path, clock=told)
    return Embedded(EmbeddedTransport(watch, str(Path(path).resolve()), told), settings)


def _plain(batch: Outgoing) -> bytes:
    if batch.encoding == "gzip":
        return gzip.decompress(batch.body)
    if batch.encoding == "deflate":
        return zlib.decompress(batch.body)
    return batch.body
