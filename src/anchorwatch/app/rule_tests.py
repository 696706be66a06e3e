"""Users' tests of their rules, as YAML.

```yaml
watch: watch.yaml            # the file the rules are in …
model: flights               # … and the model they belong to; or declare `model: {…}` and `rules: […]` here
tests:
  - name: two bad days fire, one good day resolves
    series:
      accuracy: 0.9x2 0.7 0.7 _ 0.9
      psi:
        distance: {value: 0.1x5, p: 0.5}
        hour: {value: 0.1 0.3x4, p: 0.0001, n: 500}
    reference:
      accuracy: {mean: 0.9, sd: 0.02}
    expect:
      - window: 4
        findings: {accuracy below 0.8: breach, drift: {hour: breach, distance: ok}}
        incidents: {performance: firing}
```

Windows count from 1. A series is written as in promtool (`anchorwatch.rules.series`). `incidents` names states by
cause: pending, firing, resolved or none; causes it does not name must not be firing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anchorwatch.app import config, yaml_source
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.registry import unknown
from anchorwatch.core.types import IncidentState, Verdict
from anchorwatch.incidents.script import NONE, Expected, Given, Mismatch, Trial, compare, play
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.band import FEWEST, ReferenceBand
from anchorwatch.rules.defaults import default_rules
from anchorwatch.rules.place import cause_of
from anchorwatch.rules.series import Series, series

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anchorwatch.app.yaml_source import Document, Key
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Rule

ROWS = 10_000.0
"""Rows behind a value whose `n` is not given."""

_TOP = ("watch", "model", "rules", "defaults", "tests")
_PARTS = ("value", "p", "n")
_VERDICTS = (*(verdict.value for verdict in Verdict), NONE)
_STATES = (*(state.value for state in IncidentState), NONE)
_Parts = dict[str, Series]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A test that ran; it passed when nothing mismatched."""

    name: str
    line: int
    mismatches: tuple[Mismatch, ...]


def run_file(path: str | Path) -> tuple[Outcome, ...]:
    """Run the tests of a file; raises `ConfigError` naming file and line where it cannot be read."""
    file = Path(path)
    return run(yaml_source.read(file), file.parent)


def run(document: Document, folder: Path) -> tuple[Outcome, ...]:
    """Run the tests of a document; a `watch:` file is looked for in `folder`."""
    document.mapping((), "begin with 'tests:'")
    document.only((), _TOP)
    spec, rules = _declared(document, folder)
    tests = document.sequence(("tests",), "write a list of tests, each with 'series:' and 'expect:'")
    outcomes = []
    for place in range(len(tests)):
        trial = _Reader(document, ("tests", place), rules).trial()
        mismatches = compare(trial, play(spec, rules, trial))
        outcomes.append(Outcome(trial.name, document.lines["tests", place], tuple(mismatches)))
    return tuple(outcomes)


def _declared(document: Document, folder: Path) -> tuple[ModelSpec, tuple[Rule, ...]]:
    """The model and its rules: from the file that `watch` names, or as declared here."""
    name = document.at(("model",))
    if document.at(("watch",)) is None:
        spec = config.read_spec(document, ("model",), "model")
        rules = config.read_rules(document, (), spec)
        return spec, default_rules(spec) if rules is None else rules
    for key in ("rules", "defaults"):
        if document.at((key,)) is not None:
            raise document.error((key,), "the rules are those of the 'watch:' file; leave this out")
    declared = {item.spec.name: item for item in config.load(folder / str(document.at(("watch",)))).models}
    if name is None and len(declared) == 1:
        name = next(iter(declared))
    if name not in declared:
        raise document.error(("model",), unknown("model", str(name), declared))
    found = declared[name]
    return found.spec, default_rules(found.spec) if found.rules is None else found.rules


class _Reader:
    """Reads one test, at `path`."""

    def __init__(self, document: Document, path: Key, rules: Sequence[Rule]) -> None:
        self._document = document
        self._path = path
        self._rules = {rule.name: rule for rule in rules}
        self._causes = {cause_of(rule) for rule in rules}

    def trial(self) -> Trial:
        self._document.mapping(self._path, "write a test with 'series:' and 'expect:'")
        self._document.only(self._path, ("name", "series", "reference", "expect"))
        parts = self._series((*self._path, "series"))
        windows = self._windows(parts)
        expected = (*self._path, "expect")
        steps = self._document.sequence(
            expected, "write what to expect, such as [{window: 3, incidents: {}}]"
        )
        return Trial(
            name=str(self._document.at((*self._path, "name")) or f"test {int(self._path[-1]) + 1}"),
            series={
                measure: {subject: _given(given, windows) for subject, given in subjects.items()}
                for measure, subjects in parts.items()
            },
            windows=windows,
            expected=[self._expected((*expected, place), windows) for place in range(len(steps))],
            bands=self._bands((*self._path, "reference")),
        )

    def _series(self, path: Key) -> dict[str, dict[str, _Parts]]:
        measures = self._document.mapping(path, "write series by measure, such as {mae: 20 20 61}")
        self._known("measure", path, measures, MEASURES)
        return {measure: self._subjects((*path, measure)) for measure in measures}

    def _subjects(self, path: Key) -> dict[str, _Parts]:
        """One series of the whole model, or one per column."""
        given = self._document.at(path)
        if not isinstance(given, dict) or "value" in given:
            return {"": self._parts(path)}
        return {subject: self._parts((*path, subject)) for subject in given}

    def _parts(self, path: Key) -> _Parts:
        given = self._document.at(path)
        if not isinstance(given, dict):
            return {"value": self._one(path)}
        self._document.only(path, _PARTS)
        return {part: self._one((*path, part)) for part in given}

    def _one(self, path: Key) -> Series:
        given = self._document.at(path)
        text = " ".join(str(item) for item in given) if isinstance(given, list) else str(given)
        try:
            return series(text)
        except ConfigError as problem:
            raise self._document.error(path, str(problem)) from None

    def _windows(self, parts: dict[str, dict[str, _Parts]]) -> int:
        """How many windows the series have, which must be as many in each; `p` and `n` may be one for all."""
        lengths = {
            (measure, subject, part): len(values)
            for measure, subjects in parts.items()
            for subject, given in subjects.items()
            for part, values in given.items()
            if part == "value" or len(values) > 1
        }
        windows = max(lengths.values(), default=0)
        for (measure, subject, _), length in lengths.items():
            if length != windows:
                path = (*self._path, "series", measure, *filter(None, [subject]))
                raise self._document.error(
                    path, f"{length} windows are given where another series has {windows}"
                )
        return windows

    def _bands(self, path: Key) -> dict[str, dict[str, ReferenceBand]]:
        if self._document.at(path) is None:
            return {}
        measures = self._document.mapping(
            path, "write bands by measure, such as {mae: {mean: 22.9, sd: 10.7}}"
        )
        self._known("measure", path, measures, MEASURES)
        return {
            measure: {"": self._band((*path, measure))}
            if "mean" in self._document.mapping((*path, measure), "write {mean: 22.9, sd: 10.7}")
            else {subject: self._band((*path, measure, subject)) for subject in measures[measure]}
            for measure in measures
        }

    def _band(self, path: Key) -> ReferenceBand:
        given = self._document.mapping(path, "write {mean: 22.9, sd: 10.7}")
        self._document.only(path, ("mean", "sd"))
        for key in ("mean", "sd"):
            if isinstance(given.get(key), bool) or not isinstance(given.get(key), int | float):
                raise self._document.error((*path, key), "a number is needed")
        return ReferenceBand(float(given["mean"]), float(given["sd"]), FEWEST)

    def _expected(self, path: Key, windows: int) -> Expected:
        document = self._document
        given = document.mapping(path, "write {window: 3, findings: {…}, incidents: {…}}")
        document.only(path, ("window", "findings", "incidents"))
        window = given.get("window")
        if not isinstance(window, int) or not 1 <= window <= windows:
            raise document.error(
                (*path, "window"), f"a whole number from 1 to {windows} is needed; {window!r} was given"
            )
        return Expected(
            window,
            self._findings((*path, "findings")) if given.get("findings") is not None else {},
            self._incidents((*path, "incidents")) if given.get("incidents") is not None else None,
        )

    def _findings(self, path: Key) -> dict[tuple[str, str | None], str]:
        given = self._document.mapping(path, "write verdicts by rule, such as {mae above 60: breach}")
        self._known("rule", path, given, self._rules)
        found: dict[tuple[str, str | None], str] = {}
        for rule, verdict in given.items():
            if not isinstance(verdict, dict):
                found[rule, None] = self._choice("verdict", (*path, rule), _VERDICTS)
                continue
            for subject in verdict:
                found[rule, subject] = self._choice("verdict", (*path, rule, subject), _VERDICTS)
        return found

    def _incidents(self, path: Key) -> dict[str, str]:
        given = self._document.mapping(path, "write states by cause, such as {performance: firing}")
        self._known("cause", path, given, self._causes)
        return {cause: self._choice("state", (*path, cause), _STATES) for cause in given}

    def _choice(self, kind: str, path: Key, known: Sequence[str]) -> str:
        given = self._document.at(path)
        if given not in known:
            raise self._document.error(path, unknown(kind, str(given), known))
        return str(given)

    def _known(self, kind: str, path: Key, given: Iterable[str], known: Iterable[str]) -> None:
        names = set(known)
        for name in given:
            if name not in names:
                raise self._document.error((*path, name), unknown(kind, name, names))


def _given(parts: _Parts, windows: int) -> Given:
    def spread(part: str, usual: float | None) -> Series:
        values = parts.get(part, (usual,))
        return values * windows if len(values) == 1 else values

    return Given(parts["value"], spread("p", None), spread("n", ROWS))
