"""Bodies of requests: read under a bound, decompressed under a bound."""

from __future__ import annotations

import gzip
import io
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchorwatch.core.errors import BusyError, InputError, TooLargeError
from anchorwatch.server.problems import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

    from anchorwatch.server.options import ServerOptions

_STEP = 2**20
_KINDS = "gzip, deflate or zstd"


class Pending:
    """Bytes of bodies that are worked on; beyond a bound senders are asked to wait. For one event loop."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.bytes = 0

    @contextmanager
    def hold(self) -> Iterator[Callable[[int], None]]:
        """Within the block, `grow(n)` counts `n` bytes more; raises `BusyError` beyond the bound."""
        held = 0

        def grow(count: int) -> None:
            nonlocal held
            if self.bytes + count > self.bound and self.bytes > held:
                raise BusyError(f"{self.bytes >> 20} MiB of bodies are being worked on; send again later")
            held += count
            self.bytes += count

        try:
            yield grow
        finally:
            self.bytes -= held


async def read_body(request: Request, limit: int, grow: Callable[[int], None]) -> bytes:
    """The body as it was sent; raises `TooLargeError` before more than `limit` bytes are held."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        grow(len(part))
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def decompressed(body: bytes, encoding: str, limit: int, options: ServerOptions) -> bytes:
    """The body without its `Content-Encoding`.

    Raises `UnsupportedError` for an encoding that is not spoken, `InputError` for damaged bytes, and
    `TooLargeError` as soon as the output grows beyond `limit` or out of proportion to the body.
    """
    kind = encoding.strip().lower()
    if kind in {"", "identity"}:
        return body
    if kind not in _OPENERS:
        raise UnsupportedError(f"Content-Encoding {encoding!r} is not spoken here; send {_KINDS}, or none")
    most = min(limit, _STEP + options.ratio * len(body))
    out, size = [], 0
    try:
        for part in _OPENERS[kind](body):
            size += len(part)
            if size > most:
                raise TooLargeError(
                    f"the body decompresses to more than {most:,} bytes; send smaller batches"
                )
            out.append(part)
    except (OSError, EOFError, zlib.error) as problem:
        raise InputError(f"the body is no {kind}: {problem}") from problem
    return b"".join(out)


def _gzip(body: bytes) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
        while part := stream.read(_STEP):
            yield part


def _deflate(body: bytes) -> Iterator[bytes]:
    """With zlib's header, as HTTP means it, or without, as some send it."""
    wrapped = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
    left = body
    while not stream.eof:
        part = stream.decompress(left, _STEP)
        left = stream.unconsumed_tail
        if not part and not left and not stream.eof:
            raise EOFError("it is cut short")
        yield part


def _zstd(body: bytes) -> Iterator[bytes]:
    try:
        import zstandard  # noqa: PLC0415 - an extra; nobody else needs it
    except ImportError:
        raise UnsupportedError(
            "zstd needs the package 'zstandard' on the server; send gzip, or install anchorwatch[zstd]"
        ) from None
    reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(body, read_across_frames=True)
    try:
        with reader as stream:
            while part := stream.read(_STEP):
                yield part
    except zstandard.ZstdError as problem:
        raise OSError(str(problem)) from problem


_OPENERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"the body is larger than {limit:,} bytes; send smaller batches")
