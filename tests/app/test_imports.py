"""Modules of users are imported by what the machine's own files say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from anchorwatch.app.config import loads
from anchorwatch.app.imports import import_modules
from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_rules_may_name_what_a_module_registers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module beside the file is found, and its measure known before rules are read."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "own_measures_a.py").write_text(
        "import anchorwatch as aw\naw.cost_measure('own_cost', {('1', '0'): -9})\n"
    )
    text = "{imports: [own_measures_a], models: {m: {task: binary, rules: [{metric: own_cost, below: -1}]}}}"
    assert loads(text, folder=tmp_path).models[0].rules[0].measure == "own_cost"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_module", "ModuleNotFoundError"),
        ("own_measures_b", "ZeroDivisionError: division by zero"),
        ("os; rm", "write a module as Python does"),
    ],
)
def test_what_cannot_be_imported_is_told_with_its_name(
    name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not there, broken, no name of a module: an error of the configuration, with the line it stands on."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "own_measures_b.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError, match=f"cannot import '{name}'") as problem:
        import_modules([name], tmp_path)
    assert told in str(problem.value)
    with pytest.raises(ConfigError, match=r"watch.yaml:1: imports"):
        loads(f'{{imports: ["{name}"], models: {{m: {{task: binary}}}}}}', folder=tmp_path)
