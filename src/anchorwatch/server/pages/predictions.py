"""`/predictions`: the rows themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from anchorwatch.core.calendar import Grain
from anchorwatch.core.errors import UnknownError
from anchorwatch.server.pages.scope import Scope
from anchorwatch.server.pages.site import View
from anchorwatch.server.pages.views import rows as views
from anchorwatch.server.pages.views.format import HEADINGS, iso, moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorwatch.server.pages.site import Ask

Json = dict[str, Any]
PAGE_SIZE = 100


def predictions(ask: Ask) -> View:
    """Rows of one model, newest first, with filters that live in the address."""
    names = list(ask.queries.zones())
    name = ask.param("model") or (names[0] if names else "")
    if not name:
        return View(
            "predictions.html", {"names": [], "name": ""}, twin={"columns": [], "rows": [], "next": None}
        )
    model = ask.queries.model(name)
    params = ask.request.query_params
    filters = views.filters(params.getlist("column"), params.getlist("op"), params.getlist("value"))
    zone = model["spec"].get("timezone", "UTC")
    scope = Scope.read({**params, "range": "all"})
    start, end = scope.bounds(model["first"], model["last"], zone)
    result = ask.queries.predictions(
        name,
        start=start,
        end=end,
        version=scope.version or None,
        id=ask.param("id") or None,
        filters=[item.to_dict() for item in filters],
        limit=PAGE_SIZE,
        after=ask.param("after") or None,
    )
    context = {
        "names": names,
        "name": name,
        "model": model,
        "scope": scope,
        "id": ask.param("id"),
        "filters": [(item, _without(ask, index)) for index, item in enumerate(filters)],
        "operators": views.OPERATORS,
        "columns": result["columns"],
        "order": views.order(result["columns"]),
        "numeric": views.numeric(result["rows"]),
        "rows": result["rows"],
        "flag_at": result["columns"].index(views.FLAG) if views.FLAG in result["columns"] else None,
        "flagged": _flagged(ask, result["columns"], filters),
        "zone": zone,
        "next": _with(ask, after=result["next"]) if result["next"] else "",
        "newest": _with(ask, after="") if ask.param("after") else "",
    }
    return View("predictions.html", context, twin=result)


def row(ask: Ask) -> View:
    """One row, each value against the reference."""
    name, identity = ask.path("model"), ask.param("id")
    model = ask.queries.model(name)
    found = ask.queries.predictions(name, id=identity, limit=1)
    if not found["rows"]:
        raise UnknownError(f"no prediction of {name!r} has the id {identity!r}")
    values = dict(zip(found["columns"], found["rows"][0], strict=True))
    kinds = {column["name"] for column in model["columns"]}
    facts = [(key, value) for key, value in values.items() if key in HEADINGS or key.startswith("_score:")]
    context = {
        "name": name,
        "id": identity,
        "facts": facts,
        "inputs": [(key, values[key], _standing(ask, model, key, values)) for key in values if key in kinds],
        "zone": model["spec"].get("timezone", "UTC"),
    }
    return View("row.html", context, twin=values)


def _standing(ask: Ask, model: Json, column: str, values: Mapping[str, Any]) -> views.Standing:
    """The value's place in the reference, read off the distribution of the row's own window."""
    at = moment(str(values["_at"]))
    if at is None:
        return views.Standing("", None, odd=False)
    window = Grain(model["window"]).window(at, model["spec"].get("timezone", "UTC"))
    seen = ask.queries.distribution(model["spec"]["name"], column, iso(window.start), iso(window.end))
    return views.standing(values[column], seen)


def _with(ask: Ask, **changes: str) -> str:
    pairs = [(key, value) for key, value in ask.request.query_params.multi_items() if key not in changes]
    pairs += [(key, value) for key, value in changes.items() if value]
    return f"/predictions?{urlencode(pairs)}"


def _flagged(ask: Ask, columns: Sequence[str], filters: Sequence[views.Filter]) -> str:
    """This address with outlying rows only; empty where none can be told, or they are asked for already."""
    if views.FLAG not in columns or any(item.column == views.FLAG for item in filters):
        return ""
    pairs = [(key, value) for key, value in ask.request.query_params.multi_items() if key != "after"]
    return f"/predictions?{urlencode([*pairs, ('column', views.FLAG), ('op', '>'), ('value', '0')])}"


def _without(ask: Ask, index: int) -> str:
    """This address without its filter at `index`, from the newest row on."""
    params = ask.request.query_params
    plain = [
        (key, value) for key, value in params.multi_items() if key not in {"column", "op", "value", "after"}
    ]
    groups = zip(params.getlist("column"), params.getlist("op"), params.getlist("value"), strict=True)
    kept = [group for group in groups if group[0]]
    del kept[index]
    for column, op, value in kept:
        plain += [("column", column), ("op", op), ("value", value)]
    return f"/predictions?{urlencode(plain)}"
