"""Pages as Chromium shows them. Where it or its driver is missing, these tests skip, and the summary says so."""

import functools
import http.server
import importlib.util
import shutil
import threading
import warnings
from pathlib import Path

import pytest

from harness.storage.disk import locked

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "The browser tests were skipped: how the pages look, whether they can be read and used, was NOT tested. {}"
    " (see CONTRIBUTING.md)"
)


def _load(name):
    spec = importlib.util.spec_from_file_location(f"browser_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _skip(reason):
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # a line of the summary, not the error that warnings are elsewhere
        warnings.warn(MISSING.format(reason), UserWarning, stacklevel=2)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def installed():
    """The path of the browser, whose driver is here too."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        _skip(f"None of {', '.join(NAMES)} is on the path: install your system's package of Chromium")
    if importlib.util.find_spec("playwright") is None:
        _skip("The package playwright is missing: pip install 'prune-harness[test]'")
    return found


@pytest.fixture(scope="module")
def chromium(installed):
    """The browser, one process for all tests of a file; no test waits longer than 20 seconds for it.

    Not for longer: what a later test forks would keep its pipes open, and it would never end.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Tests run as root in containers, where Chromium has no sandbox; the pages are our own.
        browser = driver.chromium.launch(executable_path=installed, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def laid(installed, tmp_path_factory, worker_id):
    """A folder with ``report/`` and ``site/``, made once for all processes that share the tests."""
    base = tmp_path_factory.getbasetemp()
    base = base if worker_id == "master" else base.parent
    folder = base / "browser-pages"
    with locked(base / "browser-pages.lock", waiting=lambda: None):
        if not folder.is_dir():
            _load("pages").lay(base / "browser-pages-half")
            (base / "browser-pages-half").rename(folder)
    return folder


@pytest.fixture(scope="session")
def pages(laid):
    """A page of each kind, by name."""
    (version,) = (laid / "site" / "isic" / "alexnet-bn" / "versions").glob("2026-02-*")
    (quick,) = (laid / "site" / "isic" / "efficientnet-lite0" / "versions").glob("2026-*")
    return {
        "quick": quick / "index.html",  # without charts, for what is not about them
        "report": laid / "report" / "index.html",
        "version": version / "index.html",
        "index": laid / "site" / "index.html",
        "versions": version.parent / "index.html",
    }


@pytest.fixture(scope="session")
def served(laid):
    """The address of the site behind a web server."""
    handler = functools.partial(_Quiet, directory=str(laid / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Opened:
    """A page in a window of its own, with what it said and asked for."""

    def __init__(self, browser, url, size=(1280, 800), theme="light", scripts=True, charts=True):
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, java_script_enabled=scripts
        )
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)
        if scripts and charts:
            self._wait_for_charts()

    def _wait_for_charts(self):
        """Go to each chart that is not folded, until its picture has given way to the live one, and back."""
        for chart in self.page.locator(".chart:visible").all():
            chart.scroll_into_view_if_needed()
            chart.locator(".live svg").wait_for()
        self.page.evaluate("scrollTo(0, 0)")

    def _hear(self, message):
        if message.type == "error":
            self.said.append(message.text)

    def __getattr__(self, name):
        return getattr(self.page, name)


@pytest.fixture
def show(chromium):
    """Return a function that opens a page, by its path or address; all are closed at the end."""
    opened = []

    def opens(place, **how):
        opened.append(Opened(chromium, place if isinstance(place, str) else place.as_uri(), **how))
        return opened[-1]

    yield opens
    for one in opened:
        one.context.close()
