"""Rules in their compact form, as people write them, and back.

```yaml
- {metric: mae, above: 60, for: 2 windows}
- {metric: mae, band: 3, side: above, mean_of: 7, severity: page}
- {drift: psi, above: 0.2, alpha: 0.01, for: 2 of 3 windows, columns: [distance, hour]}
- {drift: auto, budget: 1 false alarm per month}
- {metric: roc_auc, worse: 0.05, budget: 1 per year}
- {check: missing_share, above: 0.05, keep: 3}
- {metric: error_rate, above: 0.01, severity: page, notify: on-call}
```

The first key names the measure and says what it is about: `metric` (performance, service), `drift` or `check`
(data quality); `measure` takes any.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anchorwatch import drift, metrics, quality  # noqa: F401 - importing them registers the measures
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.registry import unknown
from anchorwatch.core.types import Rule, Severity
from anchorwatch.profile.measure import MEASURES, Family
from anchorwatch.rules.defaults import BUDGET, MOVED
from anchorwatch.rules.sentence import windows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORDS: dict[str, frozenset[Family]] = {
    "metric": frozenset({Family.PERFORMANCE, Family.SERVICE}),
    "drift": frozenset({Family.DRIFT}),
    "check": frozenset({Family.QUALITY}),
    "measure": frozenset(Family),
}
"""The keys that may name the measure, with the families each stands for."""

AUTO = Rule(name="", measure="drift", above=MOVED, budget=BUDGET)
"""What `drift: auto` stands for."""

_BUDGET = re.compile(r"(\d+(?:\.\d+)?)(?:\s+false alarms?)?\s+(?:per|a)\s+(day|week|month|year)")
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.0, "year": 365.0}
_FOR = re.compile(r"(\d+)(?:\s+of\s+(\d+))?(?:\s+windows?)?")


def from_dict(given: Mapping[str, Any]) -> Rule:
    """Read a rule strictly; raises `ConfigError` as `key: what is wrong and what would do`.

    >>> rule = from_dict({"metric": "mae", "above": 60, "for": "2 of 3 windows"})
    >>> rule.name, rule.count, rule.within
    ('mae above 60', 2, 3)
    >>> from_dict({"metric": "mae", "abov": 60})
    Traceback (most recent call last):
    anchorwatch.core.errors.ConfigError: abov: no setting is named 'abov'; did you mean 'above'?
    """
    for key in given:
        if key not in KEYS:
            raise ConfigError(f"{key}: {unknown('setting', str(key), KEYS)}")
    word, measure = _measure(given)
    _check_word(word, measure)
    settings = {key: read(key, given[key]) for key, read in _READERS.items() if given.get(key) is not None}
    count, within = settings.pop("for", (1, 1))
    if given[word] == "auto":
        settings = {"above": AUTO.above, "budget": AUTO.budget, **settings}
    if "alpha" in settings and given.get("budget") is None:
        settings.pop("budget", None)
    rule = Rule(**{"name": "", **settings}, measure=measure, count=count, within=within)
    return rule if rule.name else replace(rule, name=name_of(rule))


def to_dict(rule: Rule) -> dict[str, Any]:
    """As `from_dict` reads it; settings that have their defaults are left out."""
    family = MEASURES[rule.measure].family if rule.measure in MEASURES else None
    word = next(word for word, families in WORDS.items() if family in families or word == "measure")
    written: dict[str, Any] = {word: rule.measure}
    if rule.name != name_of(rule):
        written["name"] = rule.name
    defaults = Rule(name="", measure="")
    for key in _PLAIN:
        value = getattr(rule, key)
        if value != getattr(defaults, key):
            written[key] = list(value) if isinstance(value, tuple) else getattr(value, "value", value)
    if (rule.count, rule.within) != (1, 1):
        same = rule.count == rule.within
        written["for"] = windows(rule.count) if same else f"{rule.count} of {windows(rule.within)}"
    return written


def name_of(rule: Rule) -> str:
    """What a rule is called that was given no name.

    >>> name_of(Rule(name="", measure="mae", band=3.0, side="above", mean_of=7))
    'mae above band 3 mean of 7'
    """
    words = [rule.measure]
    words += [f"above {rule.above:g}"] if rule.above is not None else []
    words += [f"below {rule.below:g}"] if rule.below is not None else []
    side = "outside" if rule.side == "both" else rule.side
    words += [f"{side} band {rule.band:g}"] if rule.band is not None else []
    words += [f"worse by {rule.worse:g}"] if rule.worse is not None else []
    words += ["unknown"] if len(words) == 1 and rule.unknown_after else []
    words += [f"mean of {rule.mean_of}"] if rule.mean_of > 1 else []
    words += [f"of {', '.join(rule.columns)}"] if rule.columns else []
    words += [f"by {rule.segments}"] if rule.segments else []
    return " ".join(words)


def _measure(given: Mapping[str, Any]) -> tuple[str, str]:
    words = [word for word in WORDS if word in given]
    if not words:
        raise ConfigError("metric: a rule needs a measure, such as 'metric: mae' or 'drift: psi'")
    if len(words) > 1:
        raise ConfigError(f"{words[1]}: '{words[0]}' names a measure already; write two rules")
    measure = given[words[0]]
    if not isinstance(measure, str):
        raise ConfigError(f"{words[0]}: the name of a measure is needed, {measure!r} was given")
    if measure == "auto":
        if words[0] not in ("drift", "measure"):
            raise ConfigError(f"{words[0]}: only drift has a rule of its own; write 'drift: auto'")
        return words[0], AUTO.measure
    return words[0], measure


def _check_word(word: str, measure: str) -> None:
    if measure not in MEASURES:
        raise ConfigError(f"{word}: {unknown('measure', measure, MEASURES)}")
    family = MEASURES[measure].family
    if family not in WORDS[word]:
        right = next(other for other, families in WORDS.items() if family in families)
        raise ConfigError(f"{word}: {measure!r} is about {family.value}; write '{right}: {measure}'")


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key}: a number is needed, {value!r} was given")
    return float(value)


def _budget(key: str, value: Any) -> float:
    """False alarms in 30 days."""
    if not isinstance(value, str):
        return _number(key, value)
    match = _BUDGET.fullmatch(value.strip())
    if match is None:
        raise ConfigError(f"{key}: write '1 false alarm per month' or '2 per year'; {value!r} was given")
    return float(match[1]) * 30 / _DAYS[match[2]]


def _count(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{key}: a whole number is needed, {value!r} was given")
    return value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{key}: a text is needed, {value!r} was given")
    return value


def _names(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{key}: a list of names is needed, such as [distance, hour]; {value!r} was given")
    return tuple(value)


def _channels(key: str, value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value.strip() else _names(key, value)


def _severity(key: str, value: Any) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        raise ConfigError(f"{key}: {unknown('severity', str(value), list(Severity))}") from None


def _for(key: str, value: Any) -> tuple[int, int]:
    match = _FOR.fullmatch(str(value).strip())
    if isinstance(value, bool) or match is None:
        raise ConfigError(f"{key}: write '2 windows' or '2 of 3 windows'; {value!r} was given")
    return int(match[1]), int(match[2] or match[1])


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "name": _text,
    "columns": _names,
    "above": _number,
    "below": _number,
    "band": _number,
    "side": _text,
    "worse": _number,
    "alpha": _number,
    "budget": _budget,
    "for": _for,
    "mean_of": _count,
    "keep": _count,
    "min_rows": _count,
    "unknown_after": _count,
    "segments": _text,
    "severity": _severity,
    "cause": _text,
    "notify": _channels,
}
_PLAIN = tuple(key for key in _READERS if key not in {"name", "for"})
KEYS = (*WORDS, *_READERS)
"""Every key a rule may have."""
