"""YAML read strictly, each value with the line it stands on.

The subset is that of YAML 1.2's core schema: `yes`, `on`, `12:30` and `2013-01-01` are texts, keys are texts,
a key given twice is refused, and so is a document without end (an alias within what it names).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from anchorwatch.core.errors import ConfigError
from anchorwatch.core.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

Key = tuple[str | int, ...]
LARGEST = 4 * 2**20
DEEPEST = 50
MOST = 200_000
"""Bounds of a file: bytes, nesting, values (aliases counted as often as they are used)."""

_TEXT = "tag:yaml.org,2002:str"
_SCALARS: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", "~nN", lambda _text: None),
    "tag:yaml.org,2002:bool": (
        r"true|True|TRUE|false|False|FALSE",
        "tTfF",
        lambda text: text.lower() == "true",
    ),
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]{1,300}", "-+0123456789", int),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        "-+0123456789.",
        lambda text: float(text.replace(".inf", "inf").replace(".nan", "nan")),
    ),
}
"""Tags of plain values: how they are written, what they begin with, how they are read."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own way; the parent's are those of YAML 1.1


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - as above


for _tag, (_pattern, _first, _) in _SCALARS.items():
    for _kind in (_Loader, _Dumper):
        _kind.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), [*_first] + [""] * ("~" in _first))


@dataclass(frozen=True, slots=True)
class Document:
    """A file's values, and where each stands.

    `value` holds plain types; `lines` gives the line (from 1) of the value, or of its key, at a path such as
    `("models", "flights", "rules", 0, "above")`.
    """

    name: str
    value: Any
    lines: Mapping[Key, int]

    def at(self, path: Key) -> Any:
        """The value at a path that exists, or None below one that does."""
        found = self.value
        for part in path:
            found = found.get(part) if isinstance(found, dict) else found[part]
        return found

    def mapping(self, path: Key, remedy: str) -> dict[str, Any]:
        """The mapping at `path`; raises `ConfigError` with the remedy for anything else."""
        found = self.at(path)
        if not isinstance(found, dict):
            shown = "nothing" if found is None else repr(found)
            raise self.error(path, f"settings are needed, {shown} was given; {remedy}")
        return found

    def sequence(self, path: Key, remedy: str) -> list[Any]:
        """The list at `path`; raises `ConfigError` with the remedy for anything else."""
        found = self.at(path)
        if not isinstance(found, list):
            raise self.error(path, remedy)
        return found

    def only(self, path: Key, keys: Iterable[str], later: Mapping[str, str] = MappingProxyType({})) -> None:
        """Refuse keys of the mapping at `path` that are not among `keys`; `later` says of some what to do now."""
        for key in self.at(path):
            if key in later:
                hint = f"{key!r} comes with a later version; until then {later[key]}"
                raise self.error((*path, key), f"not yet: {hint}")
            if key not in keys:
                raise self.error((*path, key), unknown("setting", key, keys))

    def error(self, path: Key, message: str) -> ConfigError:
        """An error at `path`, or at the nearest place around it that is in the file."""
        shown = dotted(path)
        while path not in self.lines:
            path = path[:-1]
        return ConfigError(
            f"{shown}: {message}" if shown else message, where=f"{self.name}:{self.lines[path]}"
        )

    def retold(self, path: Key, problem: ConfigError) -> ConfigError:
        """An error that begins with its key, such as `columns.age: …`, told with file, line and whole path."""
        key, colon, rest = str(problem).partition(": ")
        if not colon or not re.fullmatch(r"[\w.:\[\]-]+", key):
            return self.error(path, str(problem))
        return self.error((*path, *key.split(".", 1)), rest)


def dotted(path: Key) -> str:
    """`models.flights.rules[0].above`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


class OneLine(dict[str, Any]):
    """A mapping that `write` puts on one line."""


_Dumper.add_representer(
    OneLine, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)
)


def write(value: Any) -> str:
    """Plain types as YAML that `parse` reads back to the same."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def read(path: Path) -> Document:
    """Read a file; raises `ConfigError` naming file and line."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be read: {problem.strerror}") from None
    if len(data) > LARGEST:
        raise ConfigError(f"{path}: is {len(data):,} bytes; no more than {LARGEST:,} are read")
    try:
        return parse(data.decode(), path.name)
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise ConfigError("is not UTF-8 text; save the file as UTF-8", where=f"{path.name}:{line}") from None


def parse(text: str, name: str) -> Document:
    """Read a text; `name` is how errors call it."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise ConfigError(f"is no YAML: {problem.problem or problem.context}", where=where) from None
    except yaml.YAMLError as problem:
        raise ConfigError(f"is no YAML: {' '.join(str(problem).split())}", where=name) from None
    except RecursionError:
        raise ConfigError(f"is nested deeper than {DEEPEST} levels", where=name) from None
    reader = _Reader(name)
    value = None if node is None else reader.value(node, ())
    return Document(name, value, {(): 1, **reader.lines})


class _Reader:
    """Turns nodes into plain values and notes their lines."""

    def __init__(self, name: str) -> None:
        self.lines: dict[Key, int] = {}
        self._name = name

    def value(self, node: yaml.Node, path: Key) -> Any:
        if len(path) > DEEPEST or len(self.lines) > MOST:
            raise self._error(
                node, "the file has no end, or too many values; does an alias name what it is in?"
            )
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, place)) for place, item in enumerate(node.value)]
        if node.tag == _TEXT:
            return node.value
        if node.tag not in _SCALARS:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._error(
                node, f"{dotted(path)}: tags such as {tag!r} are not read; write the value alone"
            )
        return _SCALARS[node.tag][2](node.value)

    def _mapping(self, node: yaml.MappingNode, path: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode) or not key.value:
                raise self._error(key, f"{dotted(path) or 'file'}: a key must be a text")
            at = (*path, key.value)
            if key.value in found:
                first = self.lines[at]
                raise self._error(key, f"{dotted(at)}: is given twice (first on line {first}); keep one")
            self.lines[at] = key.start_mark.line + 1
            found[key.value] = self.value(item, at)
        return found

    def _error(self, node: yaml.Node, message: str) -> ConfigError:
        return ConfigError(message, where=f"{self._name}:{node.start_mark.line + 1}")
