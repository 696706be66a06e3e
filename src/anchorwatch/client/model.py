"""One model under watch, as its service sees it."""

from __future__ import annotations

import functools
import inspect
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast

from anchorwatch.client.encode import line
from anchorwatch.core.types import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import TracebackType

    from anchorwatch.client.sender import Sender
    from anchorwatch.client.tally import Stats
    from anchorwatch.core.types import Receipt

P = ParamSpec("P")
R = TypeVar("R")

_PREDICTIONS, _OUTCOMES = EventKind.PREDICTIONS, EventKind.OUTCOMES


class Model:
    """Logs predictions and their outcomes, and asks how the model does.

    `log`, `outcome`, `predicting` and `watched` never block and never raise because of the watch: what goes
    wrong is counted in `stats` and told through `logging` (logger `anchorwatch.client`).
    `log_table` and `outcomes_table` are batch work: they answer with a receipt, or raise.
    """

    __slots__ = ("_put", "_sender", "_tally", "name")

    def __init__(self, name: str, sender: Sender) -> None:
        self.name = name
        self._sender = sender
        self._tally = sender.tally(name)
        self._put: Callable[[tuple[Any, ...]], None] = (
            self._checked_put if sender.options.raise_errors else sender.buffer.put
        )

    def __repr__(self) -> str:
        return f"Model({self.name!r})"

    def log(
        self,
        features: Mapping[str, Any],
        *,
        prediction: Any = None,
        score: float | None = None,
        scores: Mapping[str, float] | None = None,
        id: str | None = None,  # noqa: A002 - the field's own name
        version: str | int | None = None,
        at: datetime | float | str | None = None,
        latency: float | None = None,
        error: BaseException | str | None = None,
    ) -> str:
        """Log a prediction and return its id, by which its outcome is told later.

        Give one of `prediction`, `score` (binary), `scores` (multiclass) and `error`. The mapping is copied,
        the values in it are not: do not change a mutable one afterwards. Costs about a microsecond.

        Args:
            features: input name to value; numbers, texts, None, NumPy scalars.
            prediction: the label, or the number of a regression.
            score: probability of the positive class.
            scores: probability of each class.
            id: unique within the model; made when not given.
            version: of the model that predicted.
            at: when it was made, with a time zone, or in seconds since 1970; default: now.
            latency: seconds it took.
            error: what went wrong, when there is no prediction.
        """
        tally = self._tally
        number = tally.take()
        try:
            if id is None:
                id = "%s%08x" % (tally.prefix, number)  # noqa: A001, UP031 - a third faster than an f-string
            elif id.__class__ is not str:
                id = str(id)  # noqa: A001
            self._put(
                (
                    tally,
                    _PREDICTIONS,
                    id,
                    time() if at is None else at,
                    version,
                    prediction,
                    score,
                    scores,
                    latency,
                    error,
                    dict(features),
                )
            )
        except Exception as problem:  # noqa: BLE001 - whatever a user's mapping does, the service goes on
            self._unreadable(problem)
        return cast("str", id)

    def outcome(self, id: str, value: Any, at: datetime | float | str | None = None) -> None:  # noqa: A002
        """Tell what really happened: `value` for the prediction `id`; told again, it replaces the former."""
        self._tally.take()
        try:
            name = id if id.__class__ is str else str(id)
            self._put((self._tally, _OUTCOMES, name, time() if at is None else at, value))
        except Exception as problem:  # noqa: BLE001 - as above
            self._unreadable(problem)

    def _checked_put(self, event: tuple[Any, ...]) -> None:
        line(event)
        self._sender.buffer.put(event)

    def _unreadable(self, problem: Exception) -> None:
        self._tally.unreadable.take()
        if self._sender.options.raise_errors:
            raise problem

    def predicting(
        self,
        features: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002
        version: str | int | None = None,
        at: datetime | float | str | None = None,
    ) -> Predicting:
        """Time a prediction; an exception inside is logged as an error event and goes on its way.

        ```python
        with model.predicting(features, version="3") as p:
            p.prediction = estimator.predict(features)
        ```
        """
        return Predicting(self, features, id=id, version=version, at=at)

    def watched(
        self,
        *,
        features: str | Callable[..., Mapping[str, Any]] | None = None,
        prediction: Callable[[Any], Any] | None = None,
        score: Callable[[Any], Any] | None = None,
        scores: Callable[[Any], Any] | None = None,
        version: str | int | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a function, plain or async, so that each call is logged with its time and its exception.

        Args:
            features: name of the parameter that holds them, or a function of the call's arguments;
                default: all arguments by name.
            prediction: takes the prediction out of what the function returns; default: all of it.
            score: takes the score out of it.
            scores: takes the scores out of it.
            version: of the model.
        """
        takers: dict[str, Callable[[Any], Any]] = {
            name: taker
            for name, taker in (("prediction", prediction), ("score", score), ("scores", scores))
            if taker
        }

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            read = _reader(function, features)
            call = _Watched(self, read, takers or {"prediction": lambda result: result}, version)
            if inspect.iscoroutinefunction(function):

                @functools.wraps(function)
                async def waited(*args: P.args, **kwargs: P.kwargs) -> Any:
                    with call.of(args, kwargs) as watching:
                        result = await function(*args, **kwargs)
                        call.keep(watching, result)
                        return result

                return cast("Callable[P, R]", waited)

            @functools.wraps(function)
            def called(*args: P.args, **kwargs: P.kwargs) -> R:
                with call.of(args, kwargs) as watching:
                    result = function(*args, **kwargs)
                    call.keep(watching, result)
                    return result

            return called

        return decorate

    def log_table(self, table: Any, *, batch: str | None = None) -> Receipt:
        """Send a table of predictions, with the column names of the spec's `fields`; on disk when it returns.

        `table` is anything with `__arrow_c_stream__`: pandas, Polars, PyArrow, DuckDB. It is sent in
        slices of 100,000 rows. Repeated with the same `batch` and rows, it is taken once.

        Raises `InputError`, `Refused` or, after some tries, `TransportDown`.
        """
        return self._send(_PREDICTIONS, table, batch)

    def outcomes_table(self, table: Any, *, batch: str | None = None) -> Receipt:
        """Send a table of outcomes; as `log_table`."""
        return self._send(_OUTCOMES, table, batch)

    def _send(self, kind: EventKind, table: Any, batch: str | None) -> Receipt:
        from anchorwatch.client.tables import send_table  # noqa: PLC0415 - an import that only tables need

        return send_table(self._sender, self.name, kind, table, batch)

    def series(self, measure: str, **params: Any) -> dict[str, Any]:
        """A measure over time, columnar; `params` as the HTTP API has them. Raises when unanswered."""
        found: dict[str, Any] = self._sender.transport.query(
            "series", model=self.name, measure=measure, **params
        )
        return found

    def incidents(self, **params: Any) -> list[dict[str, Any]]:
        """Incidents of this model, latest first. Raises when unanswered."""
        found: list[dict[str, Any]] = self._sender.transport.query("incidents", model=self.name, **params)
        return found

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Send what was logged so far; whether it was dealt with in time. Blocks."""
        return self._sender.flush(timeout)

    @property
    def stats(self) -> Stats:
        """What became of the events logged in this process."""
        return self._sender.stats(self.name)

    @property
    def dropped(self) -> int:
        """How many events were lost, whatever the reason."""
        return sum(self._tally.dropped().values())


class Predicting:
    """A prediction that is being made; set what came of it before the block ends."""

    __slots__ = ("_at", "_features", "_model", "_start", "id", "prediction", "score", "scores", "version")

    def __init__(
        self,
        model: Model,
        features: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002
        version: str | int | None = None,
        at: datetime | float | str | None = None,
    ) -> None:
        self._model = model
        self._features = features
        self._at = at
        self.id = id
        self.version = version
        self.prediction: Any = None
        self.score: float | None = None
        self.scores: Mapping[str, float] | None = None
        self._start = 0.0

    def __enter__(self) -> Self:
        self._start = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        latency = perf_counter() - self._start
        if problem is not None and not isinstance(problem, Exception):
            return  # cancelled or interrupted: neither a prediction nor the model's error
        self.id = self._model.log(
            self._features,
            prediction=self.prediction if problem is None else None,
            score=self.score if problem is None else None,
            scores=self.scores if problem is None else None,
            id=self.id,
            version=self.version,
            at=self._at,
            latency=latency,
            error=problem,
        )


class _Watched:
    """What `watched` does around each call."""

    def __init__(
        self,
        model: Model,
        read: Callable[[tuple[Any, ...], dict[str, Any]], Mapping[str, Any]],
        takers: dict[str, Callable[[Any], Any]],
        version: str | int | None,
    ) -> None:
        self._model = model
        self._read = read
        self._takers = takers
        self._version = version

    def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Predicting:
        """Begin watching a call. Features are read before it, since it may change its arguments."""
        features: Any = None
        try:
            features = dict(self._read(args, kwargs))
        except Exception:  # noqa: BLE001 - a reader that fails costs the event, not the call
            features = None
        return Predicting(self._model, features, version=self._version)

    def keep(self, watching: Predicting, result: Any) -> None:
        """Take prediction and scores out of a result."""
        for name, taker in self._takers.items():
            try:
                setattr(watching, name, taker(result))
            except Exception:  # noqa: BLE001 - as above; without a prediction it is counted as invalid
                setattr(watching, name, None)


def _reader(
    function: Callable[..., Any], features: str | Callable[..., Mapping[str, Any]] | None
) -> Callable[[tuple[Any, ...], dict[str, Any]], Mapping[str, Any]]:
    """How to get the features out of a call's arguments."""
    if callable(features):
        return lambda args, kwargs: features(*args, **kwargs)
    signature = inspect.signature(function)
    if features is not None and features not in signature.parameters:
        raise ValueError(
            f"features: {features!r} is no parameter of {function!r}; it has {list(signature.parameters)}"
        )

    def bound(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        call = signature.bind(*args, **kwargs)
        call.apply_defaults()
        if features is not None:
            return cast("Mapping[str, Any]", call.arguments[features])
        return {name: value for name, value in call.arguments.items() if name != "self"}

    return bound
