from __future__ import annotations

import base64

import pytest

from bayessynth.report import write_card, write_report
from tests.report.browser import Browser, chromium
from tests.report.evaluations import evaluation

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

# Every text of the page whose contrast with what lies behind it is below what WCAG 2.2 asks for (4.5, large text 3).
FAINT = """
(() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const read = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = read(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.closest("title, .graph, style")) continue;
    const style = getComputedStyle(e);
    const ink = read(e.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) found.push([walker.currentNode.data.trim(), contrast]);
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return write_report(evaluation(groups=["town"], target="sick"), tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    return write_card(evaluation(), tmp_path_factory.mktemp("card") / "card.html")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.mark.parametrize("name", ["report", "card"])
def test_the_page_loads_without_complaint_and_asks_for_nothing(browser, request, name):
    browser.events.clear()
    browser.open(request.getfixturevalue(name))
    kinds = {e["method"] for e in browser.events}
    assert "Network.requestWillBeSent" in kinds
    asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert all(url.startswith(("file:", "data:")) for url in asked), asked
    assert not kinds & {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded"}
    assert browser.evaluate("document.compatMode") == "CSS1Compat"


@pytest.mark.parametrize("width", [400, 800, 1360])
@pytest.mark.parametrize("name", ["report", "card"])
def test_nothing_is_wider_than_the_window(browser, request, name, width):
    browser.open(request.getfixturevalue(name), width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "card"])
def test_every_text_has_contrast(browser, request, name, scheme):
    browser.open(request.getfixturevalue(name), prefers_color_scheme=scheme)
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
    assert browser.evaluate(FAINT) == []


def test_the_keyboard_reaches_the_content_and_what_has_focus_can_be_seen(browser, report):
    browser.open(report)
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.className") == "skip"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Enter")
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.closest('main') !== null")


def test_names_that_a_screen_reader_says(browser, report):
    browser.open(report)
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    named = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]
    assert all(name for role, name in named if role in {"image", "img", "link", "region", "table"})
    assert ("heading", "At a glance") in named
    assert sum(role == "main" for role, _ in named) == 1


def test_paper_shows_what_the_screen_folds(browser, report):
    browser.open(report)
    rows = "[...document.querySelectorAll('details.parts')].at(-1).querySelectorAll('tbody tr')"
    heights = f"[...{rows}].map(r => r.checkVisibility({{contentVisibilityAuto: true}}) && r.offsetHeight > 0)"
    assert sum(browser.evaluate(heights)) == 0
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.wait_for(heights, [True] * 8 + [False] * 22)
    assert browser.evaluate("getComputedStyle(document.querySelector('.on-paper')).display") == "inline"
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    printed = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF")
