"""The page of benchmarks keeps what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.tools import bench

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_section_is_renewed_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is read again; a new run replaces its own section alone."""
    monkeypatch.setattr(bench, "PAGE", tmp_path / "benchmarks.md")
    bench.write({"log": "one\n\n```text\n1 2\n```", "ingest": "two"})
    kept = bench.sections(bench.PAGE.read_text())
    assert kept == {"log": "one\n\n```text\n1 2\n```", "ingest": "two"}
    bench.write(kept | {"log": "three"})
    assert bench.sections(bench.PAGE.read_text()) == {"log": "three", "ingest": "two"}


def test_a_section_names_the_machine(tmp_path: Path) -> None:
    """Title from the benchmark's own docstring, then day, cores and Python, then the table."""
    file = tmp_path / "bench_x.py"
    file.write_text('"""What x costs.\n\nMore."""\n')
    told = bench.section(file, "a  b\n1  2\n")
    assert told.startswith("What x costs.\n\n20")
    assert "cores" in told
    assert told.endswith("```text\na  b\n1  2\n```")
    assert bench.name_of(file) == "x"


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is none lists those that are."""
    assert bench.main(["nothing"]) == 2
    assert "known: " in capsys.readouterr().err


def test_options_are_the_benchmark_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run with options is kept beside the one without."""
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "PAGE", tmp_path / "benchmarks.md")
    (tmp_path / "tests" / "bench").mkdir(parents=True)
    file = tmp_path / "tests" / "bench" / "bench_x.py"
    file.write_text('"""What x costs."""\nimport sys\nprint(*sys.argv[1:], "done")\n')
    assert bench.main(["x"]) == 0
    assert bench.main(["x", "--minutes", "20"]) == 0
    kept = bench.sections(bench.PAGE.read_text())
    assert [name for name, _ in sorted(kept.items())] == ["x", "x_minutes"]
    assert kept["x_minutes"].endswith("```text\n--minutes 20 done\n```")
    assert "done" in capsys.readouterr().out
