"""Things are small enough to be read at once."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scripts.tools.house import Source, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = sources()
FUNCTION, NINE_OF_TEN, CLASS, MODULE = 60, 25, 300, 400
POSITIONAL, PARAMETERS, METHODS = 6, 10, 8
RECORD = "stores/migrations/versions/"
"""Migrations are a record of tables as they were: one statement after another, written once."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: Source) -> Iterator[Function]:
    """Every function of a module, nested ones too."""
    return (node for node in ast.walk(source.tree) if isinstance(node, Function))


def classes(source: Source) -> Iterator[ast.ClassDef]:
    """Every class of a module."""
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef))


def length(node: Function) -> int:
    """Lines of a function's body without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def parameters(node: Function) -> tuple[int, int]:
    """How many may be given by position, and how many there are; `self` and `cls` do not count."""
    given = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    positional = len(given) - (given[:1] in (["self"], ["cls"]))
    return positional, positional + len(node.args.kwonlyargs)


def too_long(source: Source) -> list[str]:
    """Functions, classes and the module where they are over their bounds."""
    if source.path.startswith(RECORD):
        return []
    long = [(node, length(node), FUNCTION) for node in functions(source)]
    long += [(node, (node.end_lineno or 0) - node.lineno + 1, CLASS) for node in classes(source)]
    found = [
        f"{source.path}:{node.lineno}: {node.name} has {lines} lines of {most}"
        for node, lines, most in long
        if lines > most
    ]
    lines = len(source.text.splitlines())
    return [*found, *([f"{source.path}: {lines} lines of {MODULE}"] if lines > MODULE else [])]


def too_many_parameters(source: Source) -> list[str]:
    """Functions with more than six parameters by position, or ten with those by keyword."""
    return [
        f"{source.path}:{node.lineno}: {node.name} takes {positional} by position, {total} in all"
        for node in functions(source)
        for positional, total in [parameters(node)]
        if positional > POSITIONAL or total > PARAMETERS
    ]


def too_wide(source: Source) -> list[str]:
    """Protocols with more than eight methods."""
    protocols = [
        (node, sum(isinstance(item, Function) for item in node.body))
        for node in classes(source)
        if any("Protocol" in ast.unparse(base) for base in node.bases)
    ]
    return [
        f"{source.path}:{node.lineno}: {node.name} has {count} methods"
        for node, count in protocols
        if count > METHODS
    ]


def soft_nouns(source: Source) -> list[str]:
    """Dataclasses that can be changed or grow attributes."""
    found = []
    for node in classes(source):
        for mark in (text for item in node.decorator_list if "dataclass" in (text := ast.unparse(item))):
            cached = "cached_property" in ast.unparse(node)  # keeps its value in the instance's dictionary
            if "frozen=True" not in mark or ("slots=True" not in mark and not cached):
                found.append(f"{source.path}:{node.lineno}: {node.name} is not frozen and slotted")
    return found


@pytest.mark.parametrize("rule", [too_long, too_many_parameters, too_wide], ids=lambda rule: rule.__name__)
def test_bounds_are_kept(rule) -> None:  # noqa: ANN001 - a rule of this file
    """No function, class, module, signature or protocol is over its bound."""
    wrong = [line for source in SOURCES for line in rule(source)]
    assert not wrong, "\n".join(wrong)


def test_nine_functions_of_ten_are_short() -> None:
    """The ninth decile of the length of functions is 25 lines at most."""
    lengths = sorted(
        (length(node), f"{source.path}:{node.name}") for source in SOURCES for node in functions(source)
    )
    assert lengths[int(len(lengths) * 0.9)][0] <= NINE_OF_TEN, lengths[int(len(lengths) * 0.9) :]


def test_nouns_of_the_core_are_frozen() -> None:
    """Dataclasses of the pure layers are frozen and slotted."""
    pure = {"core", "stats", "profile", "metrics", "drift", "quality", "rules", "incidents"}
    wrong = [line for source in SOURCES if source.unit in pure for line in soft_nouns(source)]
    assert not wrong, "\n".join(wrong)


def test_modules_are_named_for_what_they_hold() -> None:
    """No module is called utils, common, helpers, manager, misc, legacy or v2."""
    forbidden = {
        "util",
        "utils",
        "common",
        "helper",
        "helpers",
        "manager",
        "base_impl",
        "misc",
        "legacy",
        "v2",
    }
    assert not [source.path for source in SOURCES if set(Path(source.path).with_suffix("").parts) & forbidden]


def test_the_gates_are_closed() -> None:
    """Each rule finds a made-up case just over its bound and lets the one at the bound through."""
    body = "\n".join(["    pass"] * FUNCTION)
    assert too_long(Source.of("a.py", f"def f():\n    '''Doc.'''\n{body}")) == []
    assert len(too_long(Source.of("a.py", f"def f():\n{body}\n    pass"))) == 1
    assert too_many_parameters(Source.of("a.py", "def f(self, a, b, c, d, e, f, *, g, h, i, j): ...")) == []
    assert len(too_many_parameters(Source.of("a.py", "def f(a, b, c, d, e, f, g): ..."))) == 1
    methods = "\n".join(f"    def m{index}(self): ..." for index in range(METHODS + 1))
    assert len(too_wide(Source.of("a.py", f"class P(Protocol[T]):\n{methods}"))) == 1
    assert len(soft_nouns(Source.of("a.py", "@dataclass(frozen=True)\nclass A: ..."))) == 1
