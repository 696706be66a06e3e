"""Numbers and names as a person reads them at night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.profile.measure import MEASURES

if TYPE_CHECKING:
    from anchorwatch.rules.place import Place

_OURS = {"_prediction": "the prediction", "_score": "the score", "_outcome": "the outcome"}


def figure(number: float) -> str:
    """Three significant digits, without an exponent where one can do without.

    >>> [figure(number) for number in (57.31, 55.0, 0.2, 0, 12345.6, 0.00002, -3)]
    ['57.3', '55.0', '0.200', '0', '12,346', '2.0e-05', '-3.00']
    """
    size = abs(number)
    if size == 0:
        return "0"
    if 999.5 <= size < 1e9:
        return f"{number:,.0f}"
    if 0.001 <= size < 999.5:
        return f"{number:#.3g}".rstrip(".")
    return f"{number:.1e}"


def apart(number: float, limit: float) -> tuple[str, str]:
    """A number and the limit it is held against, never written alike when they differ.

    >>> apart(55.04, 55.0)
    ('55.04', '55')
    """
    if figure(number) == figure(limit) and number != limit:
        for digits in range(4, 17):
            pair = f"{number:.{digits}g}", f"{limit:.{digits}g}"
            if pair[0] != pair[1]:
                return pair
    return figure(number), figure(limit)


def subject_text(subject: str) -> str:
    """A column's name, or what an added column stands for.

    >>> subject_text("_score:late")
    'the score of late'
    """
    if subject.startswith("_score:"):
        return f"the score of {subject.removeprefix('_score:')}"
    return _OURS.get(subject, subject)


def title(measure: str) -> str:
    """What people call a measure; one that is not registered has its name alone.

    >>> from anchorwatch import metrics
    >>> title("mae"), title("my_own")
    ('Mean absolute error', 'my_own')
    """
    return MEASURES[measure].title if measure in MEASURES else measure


def what(measure: str, subject: str, place: Place) -> str:
    """Which number is spoken of: the measure by its title, column, segment, version."""
    text = title(measure) + (f" of {subject_text(subject)}" if subject else "")
    if place.segment:
        text += f" in {place.segment}"
    return text + (f" (version {place.version})" if place.version else "")


def windows(count: int) -> str:
    """`1 window`, `3 windows`."""
    return f"{count} window" + ("" if count == 1 else "s")


def rows(count: int) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,} row" + ("" if count == 1 else "s")
