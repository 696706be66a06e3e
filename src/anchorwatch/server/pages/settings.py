"""`/settings`: who may ask, what is declared, how the store does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.app.config import dump
from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import ModelSpec
from anchorwatch.core.times import iso
from anchorwatch.server.pages.site import Go, View

if TYPE_CHECKING:
    from anchorwatch.server.pages.site import Ask

SCOPES = (
    ("ingest", "log predictions and outcomes"),
    ("read", "see everything"),
    ("operate", "acknowledge, silence and resolve incidents"),
    ("admin", "change models and tokens; implies all others"),
)


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
    """One model's declaration and rules."""
    model = ask.queries.model(ask.path("model"))
    declared = {"spec": model["spec"], "rules": model["rules"]}
    texts = {
        "spec": dump(ModelSpec.from_dict(model["spec"])),
        "rules": [_spoken(rule) for rule in model["rules"]],
    }
    return View("spec.html", {"name": ask.path("model"), **texts}, twin=declared)


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


def _spoken(rule: dict[str, Any]) -> dict[str, str]:
    """A rule in words."""
    return {"name": rule["name"], "text": said(rule), "severity": str(rule.get("severity", "warn"))}


def said(rule: dict[str, Any]) -> str:
    """What a rule calls a breach, as a sentence.

    >>> said({"measure": "psi", "above": 0.2, "alpha": 0.01, "count": 2, "within": 3})
    'psi above 0.2, significant at 0.01, in 2 of 3 windows'
    """
    parts = [rule["measure"]]
    if rule.get("columns"):
        parts[0] += f" of {', '.join(rule['columns'])}"
    limits = [f"{side} {rule[side]:g}" for side in ("above", "below") if rule.get(side) is not None]
    if rule.get("band") is not None:
        side = {"above": "above", "below": "below"}.get(rule.get("side", "both"), "outside")
        limits.append(f"{side} the reference ± {rule['band']:g} sd")
    if limits:
        parts[0] += f" {' or '.join(limits)}"
    if rule.get("alpha") is not None:
        parts.append(f"significant at {rule['alpha']:g}")
    if rule.get("mean_of", 1) > 1:
        parts.append(f"as the mean of {rule['mean_of']} windows")
    if rule.get("within", 1) > 1 and limits:
        parts.append(f"in {rule['count']} of {rule['within']} windows")
    if rule.get("unknown_after") is not None:
        parts.append(f"{'or ' if limits else ''}unknown in {rule['unknown_after']} or more windows in a row")
    if rule.get("segments"):
        parts.append(f"in each {rule['segments']}")
    return ", ".join(parts)
