"""From an event to a line of JSON, whatever a model service puts into its features.

Numbers that JSON lacks: NaN is sent as `null`, infinities as the strings `"Infinity"` and `"-Infinity"`.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import InputError
from anchorwatch.core.types import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.client.buffer import Event

ERROR_TEXT = 1_000
"""Characters of an error's text that are kept."""

_DEEPEST = 50


def line(event: Event) -> bytes:
    """One NDJSON line, with its line feed; raises `InputError` when the event cannot be said in JSON."""
    try:
        return (_encode(_shape(event)) + "\n").encode()
    except InputError:
        raise
    except Exception:  # noqa: BLE001 - NaN, odd keys, types that raise: rare, so looked at one by one only now
        return _carefully(event)


def _shape(event: Event) -> dict[str, Any]:
    return _prediction(event) if event[1] is EventKind.PREDICTIONS else _outcome(event)


def _prediction(event: Event) -> dict[str, Any]:
    _, _, name, at, version, prediction, score, scores, latency, error, features = event
    shaped: dict[str, Any] = {"id": name, "at": _at(at)}
    if version is not None:
        shaped["version"] = str(version)
    if prediction is not None:
        shaped["prediction"] = prediction
    if score is not None:
        shaped["score"] = score
    if scores is not None:
        shaped["scores"] = scores
    if latency is not None:
        shaped["latency"] = latency
    if error is not None:
        shaped["error"] = _error(error)
    elif prediction is None and score is None and scores is None:
        raise InputError(
            "give a prediction, a score, scores or an error; none was given", column="prediction"
        )
    shaped["features"] = features
    return shaped


def _outcome(event: Event) -> dict[str, Any]:
    _, _, name, at, value = event
    if value is None:
        raise InputError("give the outcome's value; None was given", column="outcome")
    return {"id": name, "outcome": value, "at": _at(at)}


def _at(at: Any) -> Any:
    if type(at) is float:
        return at
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise InputError(f"at: {at!r} has no time zone; give one, such as datetime.now(UTC)", column="at")
        return at.isoformat()
    if isinstance(at, bool) or not isinstance(at, int | float | str):
        raise InputError(f"at: a datetime, seconds since 1970 or ISO text is needed, not {at!r}", column="at")
    return at


def _error(error: Any) -> str:
    text = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error)
    return text[:ERROR_TEXT]


def _carefully(event: Event) -> bytes:
    try:
        return (_encode(_tidy(_shape(event), "event", 0)) + "\n").encode()
    except InputError:
        raise
    except Exception as problem:  # objects of users may raise anything when asked for their value
        raise InputError(f"cannot be written as JSON: {problem!r}") from problem


def _tidy(value: Any, name: str, depth: int) -> Any:
    """The value in JSON's own types."""
    if depth > _DEEPEST:
        raise InputError(f"{name} is nested more than {_DEEPEST} deep", column=name)
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, dict):
        return {_tidy(str(key), name, depth): _tidy(item, str(key), depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(item, name, depth + 1) for item in value]
    try:
        return _tidy(_plain(value), name, depth + 1)
    except TypeError as problem:
        raise InputError(f"{name}: {problem}", column=name) from None


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _plain(value: Any) -> Any:
    """One step towards JSON's types for an object that has none of them."""
    for kind, plain in _PLAIN:
        if isinstance(value, kind):
            return plain(value)
    if type(value).__name__ == "NAType":  # pandas.NA, which is not even unequal to itself
        return None
    # Scalars of NumPy, PyTorch, JAX and arrays of one element all answer to `item()`.
    item = getattr(value, "item", None)
    if callable(item):
        found = item()
        if type(found) is not type(value):
            return found
    if hasattr(value, "__float__"):  # Decimal, Fraction
        return float(value)
    raise TypeError(f"a {type(value).__name__} is neither a number nor a text")


def _moment(value: datetime | date | time) -> str | None:
    return None if value != value else value.isoformat()  # noqa: PLR0124 - pandas.NaT is a datetime


_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((datetime, date, time), _moment),
    (timedelta, timedelta.total_seconds),
    (Enum, lambda value: value.value),
    ((bytes, bytearray), lambda value: bytes(value).decode("utf-8", "replace")),
)

_encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=_plain
).encode
