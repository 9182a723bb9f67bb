"""A published site from a folder and from a web server: one script for all charts, and ways that lead on."""

import shutil

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def addresses(laid, served):
    """The site's address on the disk and behind a web server."""
    return {"file": (laid / "site").as_uri(), "http": served}


@pytest.mark.parametrize("how", ["file", "http"])
def test_a_page_goes_on_to_its_newest_version_whose_charts_live(show, pages, laid, addresses, how):
    page = show(f"{addresses[how]}/isic/alexnet-bn/index.html", charts=False)
    page.wait_for_url(f"**/versions/{pages['version'].parent.name}/index.html")
    page.locator(".chart .live svg").first.wait_for()
    (script,) = (laid / "site").glob("vega-*.js")
    own = f"{addresses[how]}/{script.name}"
    assert own in page.asked
    assert [url for url in page.asked if not url.startswith(addresses[how])] == []
    assert page.said == []


@pytest.mark.parametrize("how", ["file", "http"])
def test_the_policy_lets_no_other_script_act(show, pages, laid, addresses, how):
    page = show(pages["version"].as_uri().replace(addresses["file"], addresses[how]), charts=False)
    page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.acted = 1';"
        " document.body.append(one); }"
    )
    page.evaluate("() => document.body.setAttribute('onclick', 'window.acted = 1')")
    page.locator("h1").click()
    assert page.evaluate("window.acted") is None
    assert any("Content Security Policy" in one for one in page.said)


def test_where_the_script_is_missing_the_pictures_stay(show, pages, laid, tmp_path):
    alone = tmp_path / "index.html"
    shutil.copy(pages["version"], alone)
    page = show(alone, charts=False)
    assert page.locator(".chart svg, .chart img").first.is_visible()
    assert all("vega-" in one or "ERR_FILE_NOT_FOUND" in one for one in page.said)


def test_the_index_leads_to_every_page_and_back(show, pages, laid):
    page = show(pages["index"])
    found = page.locator("a[href$='index.html']").evaluate_all("(all) => all.map((one) => one.href)")
    newest = {url for url in found if "/versions/2" in url or url.endswith("/index.html")}
    assert pages["version"].as_uri() in newest or f"{pages['version'].parents[2].as_uri()}/index.html" in newest
    page.goto(pages["version"].as_uri())
    page.get_by_role("link", name="All results").click()
    page.wait_for_url(pages["index"].as_uri())
