"""Who hears of an incident."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.types import Severity
from anchorwatch.incidents.routing import Match, Route, Subject, route, spread

MODELS = st.sampled_from(["flights-eu", "flights-us", "load", ""])
MATCHES = st.builds(
    Match,
    models=st.sampled_from([(), ("flights-*",), ("load", "x")]),
    severities=st.sampled_from([(), (Severity.PAGE,), (Severity.INFO, Severity.WARN)]),
    causes=st.sampled_from([(), ("dr*",)]),
    segments=st.sampled_from([(), ("",), ("carrier=A?",)]),
)
SUBJECTS = st.builds(
    Subject,
    model=MODELS,
    severity=st.sampled_from(Severity),
    cause=st.sampled_from(["drift", "performance"]),
    segments=st.sampled_from([("",), ("carrier=AA", "carrier=B6"), ("", "carrier=B6")]),
)


@given(st.lists(st.tuples(MATCHES, st.booleans()), max_size=6), SUBJECTS)
def test_the_first_match_is_the_last_unless_it_continues(
    ways: list[tuple[Match, bool]], subject: Subject
) -> None:
    """As a plain loop would find it; every route is either hit or has its reason."""
    routes = [
        Route(name=str(place), to=("a",), match=match, go_on=go_on)
        for place, (match, go_on) in enumerate(ways)
    ]
    expected = []
    for one in routes:
        if one.match.misses(subject) is None:
            expected.append(one.name)
            if not one.go_on:
                break
    found = route(routes, subject)
    assert [hit.route.name for hit in found.hits] == expected
    assert sorted([*expected, *(name for name, _ in found.misses)]) == sorted(one.name for one in routes)
    assert all(reason for _, reason in found.misses)


@given(SUBJECTS)
def test_an_empty_match_matches_all(subject: Subject) -> None:
    """And says so."""
    assert Match().misses(subject) is None
    assert Match().text == "everything"


def test_a_segment_matches_where_one_of_several_does() -> None:
    """The whole model is the empty segment."""
    subject = Subject(model="m", segments=("carrier=AA", "carrier=B6"))
    assert Match(segments=("carrier=B*",)).misses(subject) is None
    assert Match(segments=("",)).misses(subject) == "segment is carrier=AA or carrier=B6, not "


def test_a_channel_is_told_once_by_the_first_route_that_names_it() -> None:
    """However many names stand for it."""
    routes = [Route(name="a", to=("x", "team"), go_on=True), Route(name="b", to=("x", "y"))]
    found = spread(route(routes, Subject(model="m")), {"team": ("t/1", "t/2"), "x": ("x",)})
    assert {name: hit.route.name for name, hit in found.targets().items()} == {
        "x": "a",
        "t/1": "a",
        "t/2": "a",
        "y": "b",
    }


def test_a_rule_goes_before_routes() -> None:
    """With its reason."""
    found = route([Route(name="a", to=("x",))], Subject(model="m"), ("mine",))
    assert list(found.targets()) == ["mine"]
    assert found.hits[0].reason == "its rule says notify: mine"
