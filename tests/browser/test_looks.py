"""What everybody sees: every width, light and dark, printed, without scripts, and by axe's rules."""

import importlib.util
import itertools
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SIZES = {400: 800, 700: 900, 1280: 800, 1600: 900}
LONG = pytest.mark.long
KINDS = ("report", pytest.param("version", marks=LONG), "index", "versions")
THEMES = ("light", "dark")
BEYOND = "document.scrollingElement.scrollWidth - innerWidth"
FIRST = """[...document.querySelectorAll('p.answer')].slice(0, 1).map((one) => one.getBoundingClientRect())
    .map((box) => [box.top, box.bottom, innerHeight])[0]"""


def axe_source():
    folder = Path(importlib.util.find_spec("axe_playwright_python").origin).parent
    return (folder / "axe.min.js").read_text("utf-8")


def violations(page):
    """What axe finds, each with the first element that breaks the rule."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['target']} and {len(one['nodes']) - 1} more" for one in found]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_fits_every_width_says_nothing_and_asks_for_its_own_files_alone(show, pages, laid, kind, theme):
    page = show(pages[kind], theme=theme)
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(BEYOND) <= 0, f"{width} px"
        if kind != "index":
            top, bottom, end = page.evaluate(FIRST)
            assert 0 <= top < bottom <= end, f"the answer is not on the first screen at {width} px"
    assert page.said == []
    scripts = [path.as_uri() for path in (laid / "site").glob("vega-*.js")]
    assert page.asked == [pages[kind].as_uri(), *(scripts if kind == "version" else [])]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("widths", [(400, 1280), pytest.param((700, 1600), marks=LONG)])
def test_axe_finds_nothing(show, pages, kind, widths):
    page = show(pages[kind])
    page.evaluate(axe_source())
    for width, theme in itertools.product(widths, THEMES):
        page.set_viewport_size({"width": width, "height": SIZES[width]})
        page.emulate_media(color_scheme=theme)
        assert violations(page) == [], f"{width} px, {theme}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_can_be_printed(show, pages, kind):
    printed = show(pages[kind]).pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert 0 < printed.count(b"/Type /Page\n") + printed.count(b"/Type/Page\n") <= 20


LETTERS = """(() => {
  const found = [...document.querySelectorAll('.chart img, .chart svg')].find((one) => one.checkVisibility());
  if (!found) return null;
  const svg = found.tagName === 'IMG' ? new DOMParser().parseFromString(
      atob(found.currentSrc.split(',')[1]), 'image/svg+xml').documentElement : found;
  const sizes = [...svg.querySelectorAll('text')].map((one) => parseFloat(
      one.getAttribute('font-size') ?? one.closest('[font-size]')?.getAttribute('font-size') ?? 10));
  return Math.min(...sizes) * found.getBoundingClientRect().width / svg.viewBox.baseVal.width;
})()"""
"""The smallest letters of the first figure as it is shown, in pixels; null without a figure."""


@pytest.mark.parametrize("width", [400, *(pytest.param(width, marks=LONG) for width in (700, 1280, 1600))])
@pytest.mark.parametrize("kind", ["report", pytest.param("version", marks=LONG)])
def test_without_scripts_there_are_an_answer_a_leaderboard_and_a_legible_figure(show, pages, kind, width):
    page = show(pages[kind], scripts=False, size=(width, SIZES[width]))
    assert page.evaluate(BEYOND) <= 0
    top, bottom, end = page.evaluate(FIRST)
    assert 0 <= top < bottom <= end
    rows = page.locator(".leaderboard tbody tr[data-entry]")
    assert sum(row.is_visible() for row in rows.all()) >= 5
    assert page.evaluate(LETTERS) >= 8
    assert page.said == []


def test_without_scripts_a_pages_address_goes_on_to_its_newest_version(show, laid, pages):
    page = show(laid / "site" / "isic" / "alexnet-bn" / "index.html", scripts=False)
    page.wait_for_url(pages["version"].as_uri())
