"""A model declared by a document of plain JSON types: the spec's settings, and `rules` beside them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import ConfigError
from anchorwatch.core.schema import ModelSpec
from anchorwatch.core.types import Rule, Severity
from anchorwatch.rules.check import check_rules
from anchorwatch.rules.form import from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE = {item.name for item in fields(Rule)}


def declared(body: Mapping[str, Any]) -> tuple[ModelSpec, tuple[Rule, ...] | None]:
    """The spec and the rules of a document; None when it says nothing of rules.

    A rule is written as in `watch.yaml`, or with every field of `Rule`. Raises `ConfigError` naming the key.
    """
    spec = ModelSpec.from_dict({key: value for key, value in body.items() if key != "rules"})
    if body.get("rules") is None:
        return spec, None
    if not isinstance(body["rules"], list):
        raise ConfigError("rules: write a list of rules, such as [{metric: mae, above: 60}]")
    rules = tuple(_rule(place, item) for place, item in enumerate(body["rules"]))
    check_rules(rules, spec)
    return spec, rules


def _rule(place: int, item: Any) -> Rule:
    if not isinstance(item, dict):
        raise ConfigError(f"rules[{place}]: a rule is a mapping, such as {{metric: mae, above: 60}}")
    try:
        if set(item) == _WHOLE:
            texts = {name: tuple(item[name]) for name in ("columns", "notify")}
            whole = {**item, **texts, "severity": Severity(item["severity"])}
            return Rule(**whole)
        return from_dict(item)
    except (ConfigError, ValueError, TypeError) as problem:
        raise ConfigError(f"rules[{place}].{problem}") from None
