import base64
import hashlib
import json
import os
import re
from html.parser import HTMLParser

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.formatting import signed
from harness.reports.page import page
from harness.reports.publishing.page_header import report_place
from harness.reports.publishing.report import write


def render(results):
    return page.render(results, report_place())


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>{{ 7 * 7 }}{% raw %}",
    "' onmouseover='alert(1)",
    "\x1b]0;title\x07\u202egpj.exe\n",
    "javascript:alert(1)",
]
VOID = {"meta", "img", "br", "link", "input"}


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """Leave out the slow parts but where a test is about them: Vega's script, the still picture, the charts."""
    if "whole" not in request.fixturenames:
        monkeypatch.setattr(page, "vega", lambda: "")
        monkeypatch.setattr(page, "picture", lambda _: "data:,")
        if "hostile" not in request.fixturenames:
            monkeypatch.setattr(page, "charts", lambda _: None)


@pytest.fixture
def whole(usual):
    """The page as users get it."""
    return render(usual.results())


class Page(HTMLParser):
    """What a browser would act on: elements, attributes, scripts, and the text that is shown."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.scripts, self.shown, self.open = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs).get("type"), ""))

    def handle_endtag(self, tag):
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        elif not (self.open and self.open[-1] == "style"):
            self.shown.append(data)

    @property
    def hrefs(self):
        return [value for _, name, value in self.attributes if name == "href"]

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.shown))


@pytest.fixture
def usual_page(usual):
    return Page(render(usual.results()))


def test_the_page_answers_first_and_shows_counts(usual_page):
    text = usual_page.text
    assert text.index("How small before it misses more positives?") < text.index("Leaderboard")
    assert "The smallest network shown to be safe keeps 50% of the weights: “lt”." in text
    assert "1.5/30" in text
    assert "loss became NaN" in text
    assert "diverged 1/2" in text


def test_nothing_is_loaded(whole):
    found = Page(whole)
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style"
        if name in ("src", "action", "data", "poster", "srcset"):
            assert value.startswith("data:"), (tag, name, value)
        if name == "href":
            assert tag == "a"
            assert value.startswith("#") or value in ("cells.csv", "results.json")
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(found.elements)


def test_the_policy_names_exactly_the_scripts_and_the_style(whole):
    found = Page(whole)
    policy = next(value for tag, name, value in found.attributes if name == "content" and "default-src" in value)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    running = [text for kind, text in found.scripts if kind is None]
    running.append(re.search(r"<style>(.*?)</style>", whole, re.DOTALL).group(1))
    digests = {f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}" for text in running}
    assert digests == set(re.findall(r"'(sha256-[^']+)'", policy))


def test_the_page_is_small_and_its_charts_need_no_script(whole):
    assert len(whole.encode()) < 3_000_000
    assert whole.count('<img src="data:image/svg+xml;base64,') == 1


def test_half_a_character_does_not_cost_the_report(usual, tmp_path):
    path = write(usual.results(command="harness run \udc80"), tmp_path)
    assert "harness run \\udc80" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_inert(bench, scores, hostile):
    bench.done("dense", 0, 1.0, scores(), loss=hostile, group=hostile)
    bench.done(hostile, 0, 0.5, scores(), loss=hostile, group=hostile)
    bench.missing("failed" + hostile, 0, 0.5, hostile, hostile, group=hostile)
    _twins(bench, scores, hostile, hostile)
    texts = dict.fromkeys(
        ("dataset", "network", "weights", "preset", "fingerprint", "environment", "command", "started", "positive"),
        hostile,
    )
    nested = {
        "versions": {hostile: hostile},
        "schedule": {hostile: hostile},
        "partial": {hostile: {"found": hostile, "expected": 3}},
        "fallback_for": hostile,
        "counts": {hostile: {"p": hostile, "n": 2}},
        hostile: hostile,
    }
    harmless = Page(render(_harmless(scores, type(bench)())))
    found = Page(render(bench.results(hostile, **texts, **nested)))
    assert set(found.elements) == set(harmless.elements)
    assert [kind for kind, _ in found.scripts] == ["application/json", None, None, None]
    names = {name for _, name, _ in found.attributes}
    assert names == {name for _, name, _ in harmless.attributes}
    entries = {row["entry"] for data in json.loads(found.scripts[0][1])["datasets"].values() for row in data}
    assert len(entries) == 4


def _twins(bench, scores, text, group):
    """One method under two losses, with its layers."""
    for entry, loss in (("twin" + text, "plain"), ("other" + text, "black" + text)):
        for level in (1.0, 0.5):
            layers = {"conv" + text: [int(10 * level), 1, 10]}
            bench.done(entry, 0, level, scores(), loss=loss, plain="twin" + text, group=group, layers=layers)


def _harmless(scores, bench):
    bench.done("dense", 0, 1.0, scores())
    bench.done("lt", 0, 0.5, scores())
    bench.missing("failed", 0, 0.5, "failed", "no reason")
    _twins(bench, scores, "", "g")
    return bench.results(partial={"train": {"found": 2, "expected": 3}}, fallback_for="isic")


@pytest.mark.parametrize(
    ("provenance", "words"),
    [
        ({"simulated": True}, "Simulated images"),
        ({"simulated": True, "fallback_for": "isic"}, "Not “isic”: simulated images in its place"),
        ({"partial": {"train": {"found": 806, "expected": 900}}}, "train: 806 of 900 images"),
        ({"void": True}, "Void: the dense network has not learnt the task"),
    ],
)
def test_banners_stand_before_every_number(usual, provenance, words):
    assert words not in Page(render(usual.results())).text
    text = Page(render(usual.results(**provenance))).text
    assert text.index(words) < text.index("How small before")


def test_a_void_result_gives_no_answer(usual):
    text = Page(render(usual.results(void=True))).text
    assert "No answer: the dense network itself has not learnt the task." in text
    assert "Safe down to" not in text


def test_no_results_and_only_failures_still_make_a_page(bench):
    bench.missing("lt", 0, 1.0, "failed", "out of patience")
    text = Page(render(bench.results())).text
    assert "out of patience" in text
    assert "No answer" in text


def test_write_replaces_whole_files(usual, tmp_path):
    folder = tmp_path / "new" / "report"
    path = write(usual.results(), folder)
    assert path == folder / "index.html"
    assert write(usual.results(), folder) == path
    assert sorted(file.name for file in folder.iterdir()) == ["cells.csv", "index.html", "results.json"]
    assert set(Page(path.read_text("utf-8")).hrefs) >= {"cells.csv", "results.json"}
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_failed_write_leaves_the_old_file_alone(usual, tmp_path, monkeypatch):
    path = write(usual.results(), tmp_path)
    before = path.read_bytes()

    def broken(_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        write(usual.results(experiment="other"), tmp_path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cells.csv", "index.html", "results.json"]


def test_skipped_and_disconnected_entries_stand_on_the_page_with_their_sentences(usual):
    why, cut = "it needs images of 224 pixels, and these have 32", "conv4.weight has none of its 9 weights left"
    usual.missing("mobilenet", 0, 0.5, "skipped", why)
    flags = {"flag/disconnected": 1.0, "size/emptied": 1.0}
    usual.done("synflow", 0, 0.5, usual.images[0]["score"].to_numpy(), reason=cut, **flags)
    text = Page(render(usual.results())).text
    after = text[text.index("Failed, skipped, collapsed and disconnected") :]
    assert f"mobilenet 0 50% skipped {why}" in after
    assert f"synflow 0 50% disconnected {cut}" in after
    assert "synflow disconnected 1/2" in text


def test_what_the_loss_did_stands_between_the_tables_and_the_curves(crossed):
    html = render(crossed.results())
    text = Page(html).text
    assert (
        text.index("Leaderboard")
        < text.index("What the loss did, what the pruning did")
        < text.index("Failed, skipped")
    )
    (board,) = leaderboard(crossed.results())
    (pair,) = board.pairs
    for square in pair.levels:
        for effect in square.effects.values():
            assert f"{signed(effect.value)} {signed(effect.low)} to {signed(effect.high)}" in text
        for corner in square.corners.values():
            assert f"{corner.auc:.3f} {corner.missed.k:g}/30 missed" in text


def test_a_pair_without_a_common_seed_says_why(bench, scores):
    bench.done("lt", 0, 1.0, scores(), plain="lt")
    bench.missing("lt[loss=black]", 0, 1.0, "failed", "no reason", loss="black", plain="lt")
    text = Page(render(bench.results())).text
    assert "no seed in common" in text
    assert "failed in seed 0" in text


def test_without_two_losses_there_is_no_such_section(usual_page):
    assert "What the loss did" not in usual_page.text
    assert "details" not in usual_page.elements


def test_layers_are_there_for_who_opens_them(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("snip", 0, 0.5, scores(), layers={"conv1.weight": [50, 40, 100], "conv2.weight": [0, 0, 300]})
    found = Page(render(bench.results()))
    assert "details" in found.elements
    assert "conv1 50% alive 40%" in found.text
    assert "conv2 none" in found.text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0124, "+0.012"), (-0.5, "\N{MINUS SIGN}0.500"), (-0.0004, "0.000"), (float("nan"), "\N{EN DASH}")],
)
def test_a_difference_has_its_sign(value, text):
    assert signed(value) == text
