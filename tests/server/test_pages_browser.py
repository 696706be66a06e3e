"""The pages in a real browser: what only one can tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from tests.server.browser import chromium, demand, settle
from tests.server.fake_session import app_of, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CLASSIFIER = "/models/flights-late-arrival"
TOUR = (
    "/", CLASSIFIER, f"{CLASSIFIER}/drift?range=1y", f"{CLASSIFIER}/quality?range=1y", f"{CLASSIFIER}/service",
    f"{CLASSIFIER}/segments", f"{CLASSIFIER}/versions", f"{CLASSIFIER}/confusion",
    f"{CLASSIFIER}/distribution?column=carrier&start=2013-11-01&end=2013-11-02",
    "/models/flights-arrival-delay?segment=carrier%3DHA",
    "/incidents", "/incidents/7", "/incidents/5", "/predictions",
    f"/predictions{CLASSIFIER.removeprefix('/models')}/row?id=x",
    "/predictions?model=flights-late-arrival&column=carrier&op=%3D&value=nowhere", "/settings",
    f"/settings{CLASSIFIER}", f"/settings{CLASSIFIER}/rules", f"{CLASSIFIER}/heat?measure=constant",
    "/incidents/3", "/predictions?model=flights-late-arrival&column=_outliers&op=%3E&value=0", "/login",
    "/models/nobody",
)  # fmt: skip

CHECKS = (Path(__file__).parent / "page_checks.js").read_text(encoding="utf-8")
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    demand()
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The flights."""
    with serve(app_of("two")) as address:
        yield address


class Watched:
    """A page whose requests and complaints are kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str | None] = set()
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda problem: self.complaints.append(str(problem)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and "404 (Not Found)" not in text:
            self.complaints.append(text)


def opened(browser: Browser, **settings: Any) -> Iterator[Watched]:
    """A page of its own, which must not have complained."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **settings})
    context.set_default_timeout(15_000)
    watched = Watched(context.new_page())
    yield watched
    context.close()
    assert not watched.complaints
    assert watched.hosts <= {"127.0.0.1"}


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A wide, light page."""
    yield from opened(browser)


@pytest.fixture(params=["light", "dark"])
def themed(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A page in each theme."""
    yield from opened(browser, color_scheme=request.param)


@pytest.fixture
def narrow(browser: Browser) -> Iterator[Watched]:
    """A page as wide as a phone."""
    yield from opened(browser, viewport={"width": 390, "height": 844})


def test_no_page_complains_or_asks_elsewhere_and_all_text_is_legible(themed: Watched, site: str) -> None:
    """Every page: no console error (so none of the content security policy), only loopback, contrast 4.5."""
    for path in TOUR:
        themed.page.goto(site + path)
        settle(themed.page)
        assert themed.page.evaluate(f"() => {{ {CHECKS} return pageChecks.contrast(); }}") == [], path
        assert themed.page.evaluate(f"() => {{ {CHECKS} return pageChecks.nameless(); }}") == [], path
        assert themed.page.locator("h1, main h2").count() >= 1, path
        assert themed.page.evaluate(OVERFLOW) <= 0, path


def test_no_page_is_wider_than_a_phone(narrow: Watched, site: str) -> None:
    """What is wide scrolls within itself."""
    for path in TOUR:
        narrow.page.goto(site + path)
        settle(narrow.page)
        assert narrow.page.evaluate(OVERFLOW) <= 0, path


@pytest.mark.parametrize("kind", ["empty", "hundred"])
def test_no_models_and_a_hundred(watched: Watched, kind: str) -> None:
    """The overview holds from none to a hundred models, one with the longest name there can be."""
    with serve(app_of(kind)) as address:
        watched.page.goto(address)
        settle(watched.page)
        assert watched.page.evaluate(OVERFLOW) <= 0
        assert watched.page.locator("table.fleet tbody tr").count() == (100 if kind == "hundred" else 0)
        watched.page.set_viewport_size({"width": 390, "height": 844})
        assert watched.page.evaluate(OVERFLOW) <= 0


def test_a_click_on_a_cell_opens_the_two_distributions(watched: Watched, site: str) -> None:
    """The panel shows the column, its measures, unseen values as text, and a link to the rows; Escape closes it."""
    page = watched.page
    page.goto(f"{site}{CLASSIFIER}/drift?range=1y")
    page.get_by_role("rowheader", name="carrier").locator("xpath=..").locator('[role="gridcell"]').nth(
        30
    ).click()
    panel = page.locator("#drawer")
    panel.get_by_role("heading", name="carrier").wait_for()
    settle(page)
    assert panel.locator("canvas").count() == 1
    assert "Population stability index" in panel.inner_text()
    assert "<script>alert(1)</script>" in panel.inner_text()
    assert "/predictions?model=flights-late-arrival&start=" in (
        panel.get_by_role("link", name="Rows of this span").get_attribute("href") or ""
    )
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")


def test_the_heat_map_is_walked_and_opened_by_keyboard(watched: Watched, site: str) -> None:
    """One stop for Tab, arrows within, Enter opens, Escape comes back to the same cell."""
    page = watched.page
    page.goto(f"{site}{CLASSIFIER}/drift?range=1y")
    assert page.locator('[role="gridcell"][tabindex="0"]').count() == 1
    page.locator('[role="gridcell"][tabindex="0"]').focus()
    for key in ("ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("month, 2013-12-")
    page.keyboard.press("Enter")
    page.locator("#drawer").get_by_role("heading", name="month").wait_for()
    page.keyboard.press("Escape")
    page.locator("#drawer").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == label


def test_a_year_of_hours_is_drawn_within_a_second(watched: Watched) -> None:
    """From the last byte of 8,760 windows to the finished chart."""
    with serve(app_of("hourly")) as address:
        watched.page.goto(f"{address}/models/hourly?range=1y")
        settle(watched.page)
        took = watched.page.evaluate("""() => {
            const figure = document.querySelector('figure.big');
            const fetched = performance.getEntriesByType('resource');
            const loaded = fetched.find((one) => one.name.endsWith(figure.dataset.chart));
            return Number(figure.dataset.ready) - loaded.responseEnd;
        }""")
        assert "8760 windows" in (
            watched.page.locator("figure.big .canvas").get_attribute("aria-label") or ""
        )
    assert 0 < took < 1000


def test_controls_change_the_address_without_leaving_the_page(watched: Watched, site: str) -> None:
    """A range, then a segment: both stand in the address, the document stays; Back goes back."""
    page = watched.page
    page.goto(site + CLASSIFIER)
    page.evaluate("window.same = true")
    page.get_by_role("link", name="30d").click()
    page.wait_for_url("**range=30d")
    page.get_by_label("Segment").select_option("carrier=UA")
    page.wait_for_url("**segment=carrier%3DUA")
    settle(page)
    assert page.evaluate("window.same") is True
    assert "range=30d" in page.url
    assert "version=" not in page.url
    assert page.get_by_label("Segment").input_value() == "carrier=UA"
    assert "carrier%3DUA" in (page.locator("figure.big").get_attribute("data-chart") or "")
    page.go_back()
    page.wait_for_url("**range=30d")
    expect(page.locator("#c-segment")).to_have_value("")


def test_the_confusion_matrix_comes_by_itself(watched: Watched, site: str) -> None:
    """After the charts, without a click, with its shares."""
    watched.page.goto(site + CLASSIFIER)
    expect(watched.page.locator(".confusion td")).to_have_count(4)
    expect(watched.page.locator(".confusion td.hit").first).to_contain_text("92.71 %")


def test_the_calibration_curve_is_drawn_and_told(watched: Watched, site: str) -> None:
    """When it comes near; what it shows is said for who does not see it."""
    page = watched.page
    page.goto(site + CLASSIFIER)
    page.locator("figure.curve").scroll_into_view_if_needed()
    settle(page)
    assert page.locator("figure.curve canvas").count() == 1
    assert "5.00 % said, 2.36 % came" in (
        page.locator("figure.curve .canvas").get_attribute("aria-label") or ""
    )


def test_other_measures_are_drawn_when_their_group_is_opened(watched: Watched, site: str) -> None:
    """Not before: a closed group asks the server nothing."""
    asked: list[str] = []
    page = watched.page
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site + CLASSIFIER)
    settle(page)
    assert not [url for url in asked if "lift_p1" in url]
    page.locator(".more summary", has_text="Ranking").click()
    page.locator('figure[data-chart*="lift_p1"][data-ready]').first.wait_for()


def test_a_check_comes_when_it_is_opened(watched: Watched, site: str) -> None:
    """Its heat map opens distributions like the others."""
    page = watched.page
    page.goto(f"{site}{CLASSIFIER}/quality?range=1y")
    page.locator(".more summary", has_text="Almost constant").click()
    page.locator('.more [role="gridcell"].h8').first.click()
    page.locator("#drawer").get_by_role("heading", name="wind_gust").wait_for()
    settle(page)


def test_rules_are_tried_on_the_page(watched: Watched, site: str) -> None:
    """Pasted, tried, and the answer stands under the box."""
    page = watched.page
    page.goto(f"{site}/settings{CLASSIFIER}")
    expect(page.locator(".ruled th", has_text="Level")).to_have_count(1)
    page.get_by_label("Rules, as in watch.yaml").fill("- {drift: auto}")
    page.get_by_role("button", name="Try").click()
    expect(page.locator(".tried")).to_contain_text("1 incident would have fired")
    expect(page.get_by_label("Rules, as in watch.yaml")).to_have_value("- {drift: auto}")


def test_a_span_is_chosen_by_its_days(watched: Watched, site: str) -> None:
    """Custom days wait for their button, and win over the range."""
    page = watched.page
    page.goto(site + CLASSIFIER)
    page.locator("details.custom summary").click()
    page.get_by_label("From", exact=True).fill("2013-06-01")
    page.get_by_label("to", exact=True).fill("2013-06-30")
    assert "start=" not in page.url
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**start=2013-06-01**")
    settle(page)
    assert "from 2013-06-01 to 2013-06-30" in (
        page.locator("figure.big .canvas").get_attribute("aria-label") or ""
    )


def test_the_overview_filters_while_one_types(watched: Watched) -> None:
    """Rows that do not match go; the address keeps the words; the field keeps its focus."""
    with serve(app_of("hundred")) as address:
        page = watched.page
        page.goto(address)
        page.get_by_label("Filter models").press_sequentially("model-01")
        expect(page.locator("table.fleet tbody tr")).to_have_count(10)
        page.wait_for_url("**q=model-01")
        assert page.evaluate("document.activeElement.id") == "q"


def test_the_theme_is_kept(watched: Watched, site: str) -> None:
    """Chosen once, it holds on the next page, before anything is painted."""
    page = watched.page
    page.goto(site)
    before = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.locator("#theme").click()
    page.locator("#theme").click()
    assert page.locator("#theme").get_attribute("aria-label") == "Theme: dark"
    page.goto(f"{site}/incidents")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != before


def test_an_incident_is_acknowledged_by_its_button(watched: Watched) -> None:
    """A click, and the page says who."""
    with serve(app_of("two")) as address:
        watched.page.goto(f"{address}/incidents/6")
        watched.page.get_by_role("button", name="Acknowledge").click()
        watched.page.get_by_text("acknowledged by mira").wait_for()
        assert watched.page.url.endswith("/incidents/6")


def test_a_row_opens_beside_the_table(watched: Watched, site: str) -> None:
    """Every value with its place in the reference; the address without a script is a page of its own."""
    page = watched.page
    page.goto(f"{site}/predictions?model=flights-late-arrival")
    page.locator("a[data-drawer]").first.click()
    page.locator("#drawer caption", has_text="Inputs against the reference").wait_for()
    assert page.locator("#drawer .standing tbody tr").count() == 24
    page.locator("#drawer [data-close]").click()
    page.locator("#drawer").wait_for(state="hidden")


def test_nothing_moves_until_it_is_asked_to(watched: Watched, site: str) -> None:
    """Refresh is off at first; no animation runs."""
    page = watched.page
    page.goto(site + CLASSIFIER)
    settle(page)
    assert page.locator("#refresh").input_value() == "0"
    assert page.evaluate("document.getAnimations().length") == 0
