"""What a comparison found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anchorwatch.app.distributions import distribution
from anchorwatch.core.errors import InputError, UnknownError
from anchorwatch.core.registry import unknown
from anchorwatch.core.results import Value
from anchorwatch.core.types import Severity, Verdict
from anchorwatch.drift.change import ChangeKind
from anchorwatch.drift.kind import kinds
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import MEASURES, Family
from anchorwatch.report.judge import family
from anchorwatch.report.words import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anchorwatch.core.results import Results
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Finding
    from anchorwatch.drift.change import Change
    from anchorwatch.profile.profile import Profile
    from anchorwatch.report.judge import Readings

_EFFECTS = {"_outcome": "target_drift"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """The answer of `compare`: it prints, shows itself in a notebook, and saves itself as HTML, JSON or JUnit XML.

    Attributes:
        spec: what the tables were taken to be.
        profiles: of the reference and of the current table, on the reference's bins.
        readings: each measure that applies, on both sides, by name.
        judged: what every rule said, whether good, bad or unknown.
        left_out: columns of the reference that were not compared, with the reason.
    """

    spec: ModelSpec
    profiles: tuple[Profile, Profile]
    readings: Mapping[str, Readings]
    judged: Sequence[Finding]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether there is no finding worse than a note."""
        return all(finding.severity is Severity.INFO for finding in self.findings)

    @property
    def findings(self) -> list[Finding]:
        """Breaches of rules, and columns that are gone, new or of another type; the gravest first."""
        broken = [item for item in self.judged if item.verdict is Verdict.BREACH]
        order = list(Family)
        return sorted(
            broken,
            key=lambda item: (-item.severity.rank, order.index(family(item)), -self.effect(item.subject)),
        )

    @property
    def drifted(self) -> list[str]:
        """Names of the columns that drifted, the one with the largest share of rows elsewhere first."""
        subjects = {item.subject for item in self.findings if item.subject and family(item) is Family.DRIFT}
        ranked = sorted(subjects, key=lambda subject: (-self.effect(subject), subject))
        return [name_of(self.spec, subject) for subject in ranked]

    @property
    def results(self) -> dict[str, Results]:
        """What every measure says of the current table, by the measure's name."""
        return {name: item.current for name, item in self.readings.items()}

    @property
    def columns(self) -> tuple[str, ...]:
        """Subjects that were compared: inputs by their names, `_prediction`, `_score` and `_outcome`."""
        named = [item for item in self.readings.values() if item.measure.kinds]
        return tuple(dict.fromkeys(subject for item in named for subject in item.current.subjects))

    @property
    def changes(self) -> dict[str, Change]:
        """In which way each column changed that did: moved, another unit, gone missing, renamed and so on."""
        found = {**kinds(*self.profiles), **kinds(*self.profiles, Side.TARGET)}
        return {name: change for name, change in found.items() if change.kind is not ChangeKind.NONE}

    @property
    def summary(self) -> str:
        """One sentence: how many columns drifted, which most, and what else is wrong."""
        from anchorwatch.report.content import summary  # noqa: PLC0415 - it builds on this module

        return summary(self)

    def effect(self, subject: str) -> float:
        """Share of a column's rows that lie elsewhere; 0 where it is not known."""
        reading = self.readings.get(_EFFECTS.get(subject, "drift"))
        if reading is None or subject not in reading.current.subjects:
            return 0.0
        found = reading.current[subject]
        return found.value if isinstance(found, Value) else 0.0

    def distribution(self, column: str) -> dict[str, Any]:
        """Shares of a column's rows per bar, in the reference and in the current table.

        Raises:
            UnknownError: no such column was compared.
        """
        return distribution(self.profiles, self.subject(column))

    def subject(self, column: str) -> str:
        """The subject that a column's name stands for; raises `UnknownError` for none."""
        for subject in self.columns:
            if column in {subject, name_of(self.spec, subject)}:
                return subject
        names = [name_of(self.spec, subject) for subject in self.columns]
        raise UnknownError(unknown("column", column, names))

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain JSON types; see the how-to page for the keys."""
        from anchorwatch.report.content import content  # noqa: PLC0415 - as above

        return content(self)

    def to_html(self) -> str:
        """One page that needs neither network nor script."""
        from anchorwatch.report.page import page  # noqa: PLC0415 - templates wait until they are asked for

        return page(self)

    def to_junit(self) -> str:
        """JUnit XML: a test case for each column and each metric."""
        from anchorwatch.report.junit import junit  # noqa: PLC0415 - as above

        return junit(self.to_dict())

    def to_json(self) -> str:
        """`to_dict` as text."""
        import json  # noqa: PLC0415 - as above

        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)

    def save(self, path: str | Path) -> Path:
        """Write `.html`, `.json` or `.xml` (JUnit), by the ending of the name; answers with the path."""
        file = Path(path)
        forms: dict[str, Callable[[], str]] = {
            ".html": self.to_html,
            ".htm": self.to_html,
            ".json": self.to_json,
            ".xml": self.to_junit,
        }
        if file.suffix.lower() not in forms:
            raise InputError(f"{file.name}: {unknown('kind of report', file.suffix.lower(), forms)}")
        file.write_text(forms[file.suffix.lower()](), encoding="utf-8", errors="replace")
        return file

    def plot(self, column: str) -> Any:
        """A column's two distributions as a Matplotlib figure (extra `plots`)."""
        from anchorwatch.report.plots import plot_column  # noqa: PLC0415 - as above

        return plot_column(self, column)

    def plot_metrics(self) -> Any:
        """Metrics on both sides with their intervals, as a Matplotlib figure (extra `plots`)."""
        from anchorwatch.report.plots import plot_metrics  # noqa: PLC0415 - as above

        return plot_metrics(self)

    def plot_drift(self, most: int = 30) -> Any:
        """The columns by how far they drifted, as a Matplotlib figure (extra `plots`)."""
        from anchorwatch.report.plots import plot_drift  # noqa: PLC0415 - as above

        return plot_drift(self, most)

    def _repr_html_(self) -> str:
        from anchorwatch.report.page import fragment  # noqa: PLC0415 - as above

        return fragment(self)

    def __repr__(self) -> str:
        return f"<Report {'passed' if self.passed else 'failed'}: {self.summary}>"

    def __str__(self) -> str:
        from anchorwatch.report.text import text  # noqa: PLC0415 - as above

        return text(self.to_dict())


def title_of(measure: str) -> str:
    """A measure as people say it."""
    return MEASURES[measure].title if measure in MEASURES else measure
