"""What the pages show is true: Python runs, commands run, declarations are accepted."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest
import yaml
from scripts.tools.house import ROOT
from tests.docs.blocks import Block, blocks, pages
from typer.testing import CliRunner

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [
    page
    for page in pages()
    if any(block.language in {"python", "sh", "yaml"} for block in blocks(page.read_text()))
]
SCRIPTS = {file.name for file in (ROOT / "scripts").iterdir() if file.is_file()}
# Verbs that run until they are stopped, or set up an environment: that they exist is checked, not what they do.
LASTING = {"serve", "demo"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run in order, in one folder and one namespace.

    A block whose opening line says `file=NAME` is written to that file first; one that says `fragment` shows a part
    of something and is only parsed. A block of text that says `prints` is what the Python block before it prints.
    """
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    printed = io.StringIO()
    for block in blocks(page.read_text(encoding="utf-8")):
        for word in block.words:
            if word.startswith("file="):
                (tmp_path / word.removeprefix("file=")).write_text(block.text, encoding="utf-8")
        where = f"{page.name}:{block.line}"
        if block.language == "python":
            code = compile("\n" * block.line + block.text, str(page), "exec")
            printed = io.StringIO()
            if "fragment" not in block.words:
                with redirect_stdout(printed):
                    exec(code, names)
        elif "prints" in block.words:
            assert printed.getvalue() == block.text, f"{where}: this is not what the block before it prints"
        elif block.language == "sh":
            _commands(block, where)
        elif block.language == "yaml":
            _declaration(block, tmp_path)


def _commands(block: Block, where: str) -> None:
    text = block.text.replace("\\\n", " ")
    for line in (line.strip() for line in text.splitlines()):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0].startswith("scripts/"):
            assert words[0].removeprefix("scripts/") in SCRIPTS, where
        elif words[0] == "anchorwatch":
            _verb(words[1:], where)


def _verb(words: list[str], where: str) -> None:
    from anchorwatch.cli.main import app

    lasting = bool(words) and words[0] in LASTING
    result = CliRunner().invoke(app, [words[0], "--help"] if lasting else words)
    assert result.exit_code == 0, f"{where}: anchorwatch {' '.join(words)}\n{result.output}"
    if lasting:
        unknown = [
            word
            for word in words[1:]
            if word.startswith("--") and word.partition("=")[0] not in result.output
        ]
        assert not unknown, f"{where}: anchorwatch {words[0]} has no {unknown}"


def _declaration(block: Block, folder: Path) -> None:
    """A whole declaration passes `check`; a list of rules is read; anything else must at least be YAML."""
    from anchorwatch.rules.form import from_dict

    read = yaml.safe_load(block.text)
    if isinstance(read, dict) and "models" in read:
        file = folder / f"block-{block.line}.yaml"
        file.write_text(block.text, encoding="utf-8")
        _verb(["check", str(file)], f"line {block.line}")
    elif isinstance(read, list) and all(isinstance(item, dict) for item in read):
        for item in read:
            from_dict(item)


def test_readme_promises_two_commands() -> None:
    """The README shows the two commands that a newcomer needs."""
    shown = " ".join(
        block.text for block in blocks((ROOT / "README.md").read_text()) if block.language == "sh"
    )
    assert re.search(r"^\s*scripts/demo\b", shown, re.MULTILINE)
    assert re.search(r"^\s*scripts/test\b", shown, re.MULTILINE)
