"""The layers of the house: one table, from which the tests judge imports and the docs draw their picture."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "src" / "anchorwatch"
NAME = PACKAGE.name


class Layer(NamedTuple):
    """Packages of one height: siblings, none importing another."""

    units: tuple[str, ...]
    about: str


# Bottom first. A unit imports units of lower layers only.
LAYERS = (
    Layer(("core",), "nouns and rules of the house: specs, windows, results, errors, the clock"),
    Layer(("stats",), "numerics with no idea of models"),
    Layer(("profile",), "a window as sums that add"),
    Layer(("metrics", "drift", "quality", "estimate"), "measures: profiles to results"),
    Layer(("explain",), "what measures mean together: causes, ranked"),
    Layer(("rules",), "results to findings"),
    Layer(
        ("incidents", "deploy", "respond"),
        "findings to incidents, and what they may cause: pure state machines",
    ),
    Layer(("flow",), "the arrows: take, roll, join, archive, measure, judge"),
    Layer(
        ("stores", "engines", "channels", "exporters", "trainers", "registries"),
        "adapters: databases, lakes and other people's systems",
    ),
    Layer(("app",), "the composition root; the only one to name an adapter"),
    Layer(("server", "gateway", "report"), "faces: HTTP, pages, documents"),
    Layer(("demo",), "a year of flights"),
    Layer(("cli",), "verbs"),
)
RANK = {unit: rank for rank, layer in enumerate(LAYERS) for unit in layer.units}
ADAPTERS = frozenset(LAYERS[8].units)
APART = {"client": frozenset({"core"}), "integrations": frozenset({"core", "client"})}
"""What a model's own process imports: beside the house, and nearly nothing of it."""
ABOVE_CLIENT = frozenset({"app", "demo", "cli"})
"""Who may import the client: the embedded client's other half, and those that use it as anybody would."""

# Third-party modules by unit, by prefix; whatever is not listed is refused.
ALLOWED = {
    "core": (),
    "stats": ("numpy", "scipy"),
    "profile": ("numpy", "orjson", "polars", "xxhash"),
    "metrics": ("numpy", "scipy"),
    "drift": ("numpy", "scipy"),
    "quality": ("numpy", "scipy"),
    "explain": ("numpy",),
    "rules": ("numpy",),
    "incidents": (),
    "flow": ("numpy", "orjson", "polars"),
    "stores": ("numpy", "polars", "sqlalchemy", "alembic", "deltalake", "xxhash"),
    "channels": ("apprise", "httpx"),
    "exporters": ("yaml",),
    "integrations": ("prometheus_client",),
    "app": ("numpy", "polars", "pydantic", "yaml"),
    "client": ("orjson", "polars", "pyarrow"),
    "server": (
        "fastapi",
        "starlette",
        "uvicorn",
        "jinja2",
        "markupsafe",
        "pydantic",
        "orjson",
        "polars",
        "zstandard",
    ),
    "report": ("numpy", "polars", "jinja2", "markupsafe", "matplotlib"),
    "demo": ("numpy", "polars", "rich", "sklearn", "threadpoolctl"),
    "cli": ("typer", "rich", "yaml", "polars", "httpx"),
}
EXTRA_ALLOWED = {
    "core/results.py": ("numpy",),
    "core/infer.py": ("polars",),
    "core/ports.py": ("polars",),
    "app/picture.py": ("matplotlib",),
}
"""Modules that import what their unit does not: arrays and tables in the core, an extra where it is asked for."""


@dataclass(frozen=True, slots=True)
class Source:
    """A module of the package; `path` is relative to it, such as `core/types.py`."""

    path: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, path: str, text: str) -> Source:
        """Parse `text` as the module at `path`."""
        return cls(path, text, ast.parse(text, filename=path))

    @property
    def unit(self) -> str:
        """The package it belongs to, such as `core`; a top module is its own."""
        return Path(self.path).parts[0].removesuffix(".py")

    @property
    def parts(self) -> tuple[str, ...]:
        """Dotted name in parts, `anchorwatch` first."""
        return (NAME, *Path(self.path).with_suffix("").parts)


class Import(NamedTuple):
    """One imported module, absolute, in parts; imports inside functions too."""

    line: int
    parts: tuple[str, ...]


def sources(folder: Path = PACKAGE) -> list[Source]:
    """All modules under `folder`, in order of path."""
    files = sorted(folder.rglob("*.py"))
    return [
        Source.of(file.relative_to(folder).as_posix(), file.read_text(encoding="utf-8")) for file in files
    ]


def imports(source: Source) -> Iterator[Import]:
    """What a module imports, wherever in it."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, tuple(alias.name.split("."))) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = source.parts[: len(source.parts) - node.level] if node.level else ()
            stem = (*base, *(node.module or "").split(".")) if node.module else base
            yield from (Import(node.lineno, (*stem, alias.name)) for alias in node.names)


def upward(source: Source) -> list[str]:
    """Imports of ours that do not point down."""
    return [
        f"{source.path}:{line}: {source.unit} imports {parts[1]}"
        for line, parts in imports(source)
        if parts[0] == NAME and len(parts) > 1 and not _may(source.unit, parts[1])
    ]


def _may(unit: str, other: str) -> bool:
    known = other in RANK or other in APART
    if not known or other == unit or unit not in RANK.keys() | APART.keys():
        return True
    if unit in APART:
        return other in APART[unit]
    if other in APART:
        return unit in ABOVE_CLIENT
    return RANK[other] < RANK[unit] and (other not in ADAPTERS or unit == "app")


def foreign(source: Source) -> list[str]:
    """Third-party imports that the unit may not have."""
    allowed = (*ALLOWED.get(source.unit, ()), *EXTRA_ALLOWED.get(source.path, ()))
    return [
        f"{source.path}:{line}: {source.unit} imports {'.'.join(parts)}"
        for line, parts in imports(source)
        if parts[0] != NAME and parts[0] not in sys.stdlib_module_names and parts[0] not in allowed
    ]


def picture(present: Sequence[Source]) -> str:
    """The layers that exist, highest first, as text for the docs."""
    units = {source.unit for source in present}
    rows = [
        ("  ".join(unit for unit in layer.units if unit in units), layer.about)
        for layer in reversed(LAYERS)
        if units & set(layer.units)
    ]
    width = max(len(names) for names, _ in rows)
    lines = [f"{names:<{width}}   {about}" for names, about in rows]
    return "\n".join([*lines, "", f"{'client':<{width}}   beside the house; imports core alone"])
