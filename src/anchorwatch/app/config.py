"""`watch.yaml`: models as code.

```yaml
models:
  flights:
    task: binary
    columns: {distance: number, carrier: category}
    window: 1d
    timezone: America/New_York
    outcomes: {delay: 1d}
    reference: reference.parquet
    defaults: true
    rules:
      - {metric: accuracy, below: 0.8, for: 2 windows}
      - {drift: psi, above: 0.2, alpha: 0.01, for: 2 of 3 windows, columns: [distance]}
```

Strict: what is not known, given twice or not yet there is refused, with file, line, key and remedy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anchorwatch.app import config_notify
from anchorwatch.app.config_notify import NotifyConfig
from anchorwatch.app.imports import import_modules
from anchorwatch.app.yaml_source import Document, Key, OneLine, parse, read, write
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.schema import ModelSpec
from anchorwatch.flow.detect import check_detectors
from anchorwatch.rules import form
from anchorwatch.rules.check import check_rule, check_rules
from anchorwatch.rules.defaults import default_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.core.types import Rule

LATER = {
    "file": {
        "server": "give `anchorwatch serve` its options",
    },
    "model": {
        "respond": "see incidents in the web UI or the API",
        "deploy": "log each version under its name",
    },
}
"""Keys that will mean something, by where they stand, and what to do until then."""

_SPEC = {item.name for item in fields(ModelSpec)} - {"name"}
_OUTCOMES = ("delay", "horizon")
MODEL_KEYS = tuple(sorted(_SPEC | {"outcomes", "reference", "defaults", "rules"}))
"""Every key a model may have in the file."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The table a version's windows are held against, as a file."""

    file: Path
    version: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """A model as the file declares it; `rules` is None where the file says nothing of them."""

    spec: ModelSpec
    rules: tuple[Rule, ...] | None = None
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class WatchFile:
    """All that a file declares."""

    models: tuple[Declared, ...]
    notify: NotifyConfig = field(default_factory=NotifyConfig)


def load(path: str | Path) -> WatchFile:
    """Read a file; raises `ConfigError` naming file, line, key and remedy."""
    file = Path(path)
    return _watch_file(read(file), file.parent)


def loads(text: str, name: str = "watch.yaml", folder: Path | None = None) -> WatchFile:
    """Read a text; references are looked for in `folder`.

    >>> loads("models: {fares: {task: regression, widnow: 1d}}")
    Traceback (most recent call last):
    anchorwatch.core.errors.ConfigError: watch.yaml:1: models.fares.widnow: no setting is named 'widnow'; ...
    """
    return _watch_file(parse(text, name), folder or Path())


def dump(spec: ModelSpec, rules: Iterable[Rule] | None = None) -> str:
    """A file that declares this one model; settings that have their defaults are left out."""
    plain = spec.to_dict()
    usual = ModelSpec(name=spec.name, task=spec.task).to_dict()
    body = {key: value for key, value in plain.items() if key == "task" or value != usual[key]}
    body.pop("name", None)
    if "fields" in body:
        body["fields"] = {
            key: value for key, value in body["fields"].items() if value != usual["fields"][key]
        }
    outcomes = {key: body.pop(f"outcome_{key}") for key in _OUTCOMES if f"outcome_{key}" in body}
    if outcomes:
        body["outcomes"] = outcomes
    if rules is not None:
        body["rules"] = [OneLine(form.to_dict(rule)) for rule in rules]
    return write({"models": {spec.name: body}})


def _watch_file(document: Document, folder: Path) -> WatchFile:
    top = document.mapping((), "begin with 'models:'")
    document.only((), ("models", "imports", *config_notify.KEYS), LATER["file"])
    _imports(document, folder)
    notify = config_notify.read_notify(document, folder)
    if notify.channels and "models" not in top:
        return WatchFile((), notify)
    if not top.get("models"):
        raise document.error(("models",), "the file declares none; begin with 'models:' and a name")
    models = document.mapping(("models",), "write a name and its settings, such as 'flights: {task: binary}'")
    declared = tuple(_declared(document, ("models", name), folder) for name in models)
    if notify.channels:
        _notified(document, declared, notify)
    return WatchFile(declared, notify)


def _notified(document: Document, declared: Iterable[Declared], notify: NotifyConfig) -> None:
    """Refuse a rule that notifies a channel which the file does not have."""
    for item in declared:
        here = ("models", item.spec.name, "rules")
        listed = document.at(here) or []
        for place, rule in enumerate((item.rules or ())[-len(listed) :] if listed else ()):
            at = (*here, place, "notify")
            config_notify.known_channels(
                rule.notify,
                notify.channels,
                lambda text, at=at: document.error(at, text),  # type: ignore[misc]
            )


def _imports(document: Document, folder: Path) -> None:
    """Import the modules that `imports` names, so that rules may name what they register."""
    if document.at(("imports",)) is None:
        return
    names = document.sequence(("imports",), "write a list of modules, such as [my_package.measures]")
    for place, name in enumerate(names):
        try:
            import_modules([str(name)], folder)
        except ConfigError as problem:
            raise document.error(("imports", place), str(problem)) from None


def _declared(document: Document, path: Key, folder: Path) -> Declared:
    spec = read_spec(document, path, str(path[-1]))
    return Declared(
        spec, read_rules(document, path, spec), _reference(document, (*path, "reference"), folder)
    )


def read_spec(document: Document, path: Key, name: str) -> ModelSpec:
    """The spec of the model `name` whose settings are at `path`."""
    body = document.mapping(path, "write its settings, such as {task: binary}")
    document.only(path, MODEL_KEYS, LATER["model"])
    outcomes = _outcomes(document, (*path, "outcomes"), body)
    settings = {key: value for key, value in body.items() if key in _SPEC}
    try:
        spec = ModelSpec.from_dict({"name": name, **settings, **outcomes})
        check_detectors(spec)
    except ConfigError as problem:
        text = str(problem)
        for key in outcomes:
            text = re.sub(rf"^{key}(?=: )", key.replace("_", "s.", 1), text)
        raise document.retold(path, ConfigError(text)) from None
    return spec


def read_rules(document: Document, path: Key, spec: ModelSpec) -> tuple[Rule, ...] | None:
    """The rules under `path`: the default ones where `defaults` is true, less those the list names anew.

    None where the file says nothing of rules.
    """
    defaults = document.at((*path, "defaults")) or False
    if not isinstance(defaults, bool):
        raise document.error((*path, "defaults"), f"true or false is needed, {defaults!r} was given")
    here = (*path, "rules")
    if document.at(here) is None:
        return default_rules(spec) if defaults else None
    listed = document.sequence(here, "write a list, such as [{metric: mae, above: 60}]")
    own = tuple(_rule(document, (*here, place), spec) for place in range(len(listed)))
    names = {rule.name for rule in own}
    rules = tuple(rule for rule in default_rules(spec) if rule.name not in names) if defaults else ()
    try:
        check_rules(rules + own, spec)
    except ConfigError as problem:
        raise document.error(here, str(problem)) from None
    return rules + own


def _rule(document: Document, path: Key, spec: ModelSpec) -> Rule:
    body = document.mapping(path, "write a rule, such as {metric: mae, above: 60}")
    try:
        rule = form.from_dict(body)
        check_rule(rule, spec)
    except ConfigError as problem:
        text = str(problem)
        if text.startswith("measure: "):
            text = text.replace("measure", next(word for word in form.WORDS if word in body), 1)
        raise document.retold(path, ConfigError(text)) from None
    return rule


def _outcomes(document: Document, path: Key, body: dict[str, Any]) -> dict[str, Any]:
    """`outcomes: {delay, horizon}` as the spec's own settings."""
    if body.get("outcomes") is None:
        return {}
    given = document.mapping(path, "write {delay: 2d}, {horizon: 90d} or both")
    document.only(path, _OUTCOMES)
    for key in given:
        if f"outcome_{key}" in body:
            raise document.error((*path, key), f"'outcome_{key}' says the same; keep one of them")
    return {f"outcome_{key}": value for key, value in given.items()}


def _reference(document: Document, path: Key, folder: Path) -> Reference | None:
    given = document.at(path)
    if given is None:
        return None
    if isinstance(given, str):
        given = {"file": given}
    else:
        document.mapping(path, "write a path, or {file: …, version: …}")
        document.only(path, ("file", "version"))
    if not isinstance(given.get("file"), str):
        raise document.error(path, "the path of a table is needed, such as 'file: reference.parquet'")
    file = folder / given["file"]
    if not file.is_file():
        raise document.error(path, f"there is no file {given['file']!r} beside {document.name}")
    version = given.get("version")
    return Reference(file, "" if version is None else str(version))
