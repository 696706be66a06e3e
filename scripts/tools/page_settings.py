"""docs/reference/settings.md: what can be declared of a model, a rule and a client, from the classes themselves."""

from __future__ import annotations

import dataclasses
import inspect
import re
from datetime import timedelta
from typing import Any

from anchorwatch.client.options import ClientOptions
from anchorwatch.core.calendar import brief
from anchorwatch.core.schema import Fields, ModelSpec
from anchorwatch.core.types import Rule
from anchorwatch.rules import form

SECTIONS = (
    ("A model", "models.<name>", ModelSpec),
    ("Names of fields", "models.<name>.fields", Fields),
    ("A rule", "models.<name>.rules", Rule),
    ("The client", "anchorwatch.connect(url, …)", ClientOptions),
)


def text() -> str:
    """The page."""
    lines = ["# Settings", "", "Durations are written as `90s`, `15m`, `6h`, `2d` or `1d 12h`."]
    lines += ["", "## Rules as people write them", "", inspect.getdoc(form) or ""]
    for title, where, cls in SECTIONS:
        lines += [
            "",
            f"## {title}",
            "",
            f"In `{where}`. {_summary(cls)}",
            "",
            "| setting | default | meaning |",
            "|---|---|---|",
        ]
        told = explained(cls)
        lines += [
            f"| `{item.name}` | {_default(item)} | {told.get(item.name, _plain(item))} |"
            for item in dataclasses.fields(cls)
        ]
    return "\n".join(lines)


def explained(cls: type[Any]) -> dict[str, str]:
    """The `Args` of a docstring, by name."""
    _, _, args = (inspect.getdoc(cls) or "").partition("Args:\n")
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", args, re.MULTILINE)
    return {name: " ".join(told.split()).replace("|", "\\|") for name, told in entries}


def _summary(cls: type[Any]) -> str:
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())


def _plain(item: dataclasses.Field[Any]) -> str:
    return f"the column of the {item.name}"


def _default(item: dataclasses.Field[Any]) -> str:
    if item.default is dataclasses.MISSING:
        return "needed" if item.default_factory is dataclasses.MISSING else "see below"
    value = brief(item.default) if isinstance(item.default, timedelta) else item.default
    shown = getattr(value, "text", None) or str(value)
    if shown in {"", "()", "None"}:
        return "–"
    return f"`{shown}`"
