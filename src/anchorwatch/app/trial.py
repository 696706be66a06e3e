"""Rules that somebody pasted, to be tried before they go live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.app.config import read_rules
from anchorwatch.app.yaml_source import Document, parse
from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Rule

MOST = 200
"""Rules that may be tried at once."""

_REMEDY = "write a list, such as '- {metric: mae, above: 60}'"


def rules_of(text: str, spec: ModelSpec) -> tuple[Rule, ...]:
    """Read rules as `watch.yaml` has them: a list, or the keys `rules` and `defaults` of a model.

    Raises `ConfigError` naming line, key and remedy.

    >>> from anchorwatch.core.schema import ModelSpec, Task
    >>> spec = ModelSpec(name="fares", task=Task.REGRESSION)
    >>> [rule.name for rule in rules_of("- {metric: mae, above: 60}", spec)]
    ['mae above 60']
    >>> rules_of("- {metric: mae, abov: 60}", spec)
    Traceback (most recent call last):
    anchorwatch.core.errors.ConfigError: rules:1: rules[0].abov: no setting is named 'abov'; did you mean 'above'?
    """
    document = parse(text, "rules")
    if isinstance(document.value, list):
        lines = {("rules", *path): line for path, line in document.lines.items()}
        document = Document(document.name, {"rules": document.value}, {(): 1, **lines})
    if not isinstance(document.value, dict):
        raise document.error((), f"no rule is given; {_REMEDY}")
    document.only((), ("rules", "defaults"))
    found = read_rules(document, (), spec)
    if not found:
        raise document.error((), f"no rule is given; {_REMEDY}")
    if len(found) > MOST:
        raise ConfigError(f"rules: {len(found)} are given; at most {MOST} are tried at once")
    return found
