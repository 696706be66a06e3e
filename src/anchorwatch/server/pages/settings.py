"""`/settings`: who may ask, what is declared, how the store does."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from anchorwatch.app.config import dump
from anchorwatch.app.trial import rules_of
from anchorwatch.core.errors import ConfigError, InputError
from anchorwatch.core.schema import ModelSpec, Task
from anchorwatch.core.times import iso
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.sentence import title
from anchorwatch.server.pages.scope import Scope
from anchorwatch.server.pages.site import Go, View, wants_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.server.pages.site import Ask

SCOPES = (
    ("ingest", "log predictions and outcomes"),
    ("read", "see everything"),
    ("operate", "acknowledge, silence and resolve incidents"),
    ("admin", "change models and tokens; implies all others"),
)


DAYS = ("30d", "90d", "1y", "all")
SAMPLE = {
    Task.REGRESSION: "- {metric: mae, worse: 0.1, budget: 1 per month, for: 2 of 3 windows}\n- {drift: auto}\n",
    Task.BINARY: "- {metric: accuracy, worse: 0.05, budget: 1 per month, for: 2 of 3 windows}\n- {drift: auto}\n",
    Task.MULTICLASS: "- {metric: accuracy, worse: 0.05, budget: 1 per month, for: 2 of 3 windows}\n- {drift: auto}\n",
}


def settings(ask: Ask) -> View:
    """Tokens (for admins), models as declared, and the store's state."""
    status = ask.queries.status()
    tokens = _tokens(ask) if _is_admin(ask) else None
    models = list(ask.queries.zones())
    return View(
        "settings.html",
        {"status": status, "tokens": tokens, "models": models, "scopes": SCOPES, "made": None},
        twin={"status": status, "tokens": tokens, "models": models},
    )


def spec(ask: Ask) -> View:
    """One model's declaration and rules, and a place to try others."""
    model = ask.queries.model(ask.path("model"))
    return View("spec.html", _declared(model), twin={"spec": model["spec"], "rules": model["rules"]})


def held(ask: Ask) -> View:
    """What the rules promise, and did over the reference: a part of the page that comes by itself, as it takes time."""
    model = ask.queries.model(ask.path("model"))
    found = ask.queries.over_reference(ask.path("model"))
    kept = {item["name"]: item for item in found["rules"]}
    return View("held.html", {**_declared(model), "kept": kept}, twin=found)


def attempt(ask: Ask) -> View:
    """Judge stored windows by rules that were pasted; nothing is changed and nobody is told."""
    name, text, days = ask.path("model"), str(ask.form.get("rules", "")), str(ask.form.get("days", ""))
    model = ask.queries.model(name)
    shown = {**_declared(model), "text": text, "days": days}
    if days not in DAYS:
        raise InputError(f"days {days!r}: take one of {', '.join(DAYS)}")
    try:
        rules = rules_of(text, ModelSpec.from_dict(model["spec"]))
        start, _ = Scope(range=days).bounds(model["first"], model["last"], shown["zone"])
        found = ask.queries.replayed(name, rules, start)
    except (ConfigError, InputError) as problem:
        if wants_json(ask.request):
            raise
        return View("spec.html", {**shown, "problem": str(problem)}, status=422)
    return View("spec.html", {**shown, "tried": found}, twin=found)


def _declared(model: Mapping[str, Any]) -> dict[str, Any]:
    """What the page of a declaration shows, whatever was tried on it."""
    declared = ModelSpec.from_dict(model["spec"])
    return {
        "name": declared.name,
        "spec": dump(declared),
        "rules": [_spoken(rule) for rule in model["rules"]],
        "against": declared.against.text,
        "budget": model["budget"],
        "zone": declared.timezone,
        "text": SAMPLE.get(declared.task, ""),
        "days": "90d",
        "choices": DAYS,
        "problem": "",
        "tried": None,
    }


def issue(ask: Ask) -> View:
    """Make a token and show its secret, this once."""
    scopes = [name for name, _ in SCOPES if ask.form.get(f"scope_{name}")]
    if not scopes:
        raise InputError("scopes: choose at least one")
    name = str(ask.form.get("name", "")).strip()
    number, secret = ask.watch.ledger.tokens.issue(name, scopes)
    shown = settings(ask)
    made = {"id": number, "name": name, "text": secret.reveal()}
    return View(
        shown.template, {**shown.context, "made": made}, twin={"id": number, "name": name, "scopes": scopes}
    )


def revoke(ask: Ask) -> Go:
    """From now on the token is nobody's."""
    ask.watch.ledger.tokens.revoke(str(ask.form.get("id", "")))
    return Go("/settings")


def _is_admin(ask: Ask) -> bool:
    return ask.who is not None and ask.who.may("admin")


def _tokens(ask: Ask) -> list[dict[str, Any]]:
    return [
        {
            "id": token.id,
            "name": token.name,
            "scopes": list(token.scopes),
            "created_at": iso(token.created_at),
            "used_at": None if token.used_at is None else iso(token.used_at),
            "revoked_at": None if token.revoked_at is None else iso(token.revoked_at),
        }
        for token in ask.watch.ledger.tokens.list()
    ]


def _spoken(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule in words."""
    return {
        "name": rule["name"],
        "text": said(rule),
        "severity": str(rule.get("severity", "warn")),
        "budget": rule.get("budget"),
    }


def said(rule: dict[str, Any]) -> str:
    """What a rule calls a breach, as a sentence.

    >>> said({"measure": "psi", "above": 0.2, "alpha": 0.01, "count": 2, "within": 3})
    'Population stability index above 0.2, significant at 0.01, in 2 of 3 windows'
    >>> said({"measure": "mae", "worse": 0.1, "budget": 0.2})
    'Mean absolute error worse than its reference by 10 %, beyond chance'
    """
    parts = [title(rule["measure"])]
    if rule.get("columns"):
        parts[0] += f" of {', '.join(rule['columns'])}"
    limits = _limits(rule)
    if limits:
        parts[0] += f" {' or '.join(limits)}"
    if rule.get("alpha") is not None:
        parts.append(f"significant at {rule['alpha']:g}")
    if rule.get("budget") is not None:
        parts.append("beyond chance")
    if rule.get("mean_of", 1) > 1:
        parts.append(f"as the mean of {rule['mean_of']} windows")
    if rule.get("within", 1) > 1 and limits:
        parts.append(f"in {rule['count']} of {rule['within']} windows")
    if rule.get("unknown_after") is not None:
        parts.append(f"{'or ' if limits else ''}unknown in {rule['unknown_after']} or more windows in a row")
    if rule.get("segments"):
        parts.append(f"in each {rule['segments']}")
    return ", ".join(parts)


def _limits(rule: dict[str, Any]) -> list[str]:
    limits = [f"{side} {rule[side]:g}" for side in ("above", "below") if rule.get(side) is not None]
    if rule.get("band") is not None:
        side = {"above": "above", "below": "below"}.get(rule.get("side", "both"), "outside")
        limits.append(f"{side} the reference ± {rule['band']:g} sd")
    if rule.get("worse") is not None:
        bounded = rule["measure"] in MEASURES and isfinite(MEASURES[rule["measure"]].high)
        by = f"{rule['worse']:g}" if bounded else f"{100 * rule['worse']:g} %"
        limits.append(f"worse than its reference by {by}")
    return limits
