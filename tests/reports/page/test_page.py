import base64
import functools
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from harness.outgoing.visible import visible
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.formatting import signed
from harness.reports.page import figures, page, parts
from harness.reports.publishing.page_header import report_place


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
    "\0\u200b\u2066\ufeff\u3164\u00a0\u2028\x9b\u061c\U000e0041",
    "javascript:alert(1)",
]
VOID = {"meta", "img", "br", "link", "input", "wbr", "path"}


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """Leave out the slow parts but where a test is about them: Vega's script, the still picture, the charts."""
    if "whole" not in request.fixturenames:
        monkeypatch.setattr(page, "vega", lambda: "")
        monkeypatch.setattr(parts, "picture", lambda _: "data:,")
        monkeypatch.setattr(figures, "picture", lambda *_: "data:,")
        if "hostile" not in request.fixturenames:
            monkeypatch.setattr(figures, "figures", lambda *_, **__: [])


@pytest.fixture
def whole(usual, drawn):
    """The page as users get it."""
    if not drawn:
        drawn.append(render(usual.results()))
    return drawn[0]


@pytest.fixture(scope="module")
def drawn():
    """Keep what takes seconds to draw for all tests that look at it."""
    return []


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
    assert "“lt” down to 50%." in text
    assert "safe to 50%" in text
    assert "loss became NaN" in text
    assert "diverged 1/3" in text


def test_no_word_of_older_definitions_is_left(usual_page):
    assert not re.findall(r"sens95|\b[Vv]oid\b|DeLong|Tango|FNR", usual_page.text)


@pytest.mark.slow
def test_nothing_is_loaded(whole):
    found = Page(whole)
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name != "style"
        if name in ("src", "action", "data", "poster", "srcset"):
            assert value.startswith("data:"), (tag, name, value)
        if name == "href":
            assert tag == "a"
            assert value.startswith("#") or value in ("cells.csv", "results.json", "scores.csv.gz")
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
    pictures = whole.count('<img src="data:image/svg+xml;base64,')
    assert pictures == whole.count('<script type="application/json">') > 1


@pytest.mark.slow
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
    harmless = _harmless_page(scores, type(bench))
    text = render(bench.results(hostile, **texts, **nested))
    found = Page(text)
    assert set(found.elements) - {"wbr"} == set(harmless.elements) - {"wbr"}
    kinds = [kind for kind, _ in found.scripts]
    assert kinds == [kind for kind, _ in harmless.scripts]
    drawn = kinds.count("application/json")
    assert drawn
    assert kinds == [None, *["application/json"] * drawn, *[None] * (len(page.SCRIPTS) + 2)]
    names = {name for _, name, _ in found.attributes}
    assert names == {name for _, name, _ in harmless.attributes}
    for kind, script in found.scripts:
        if kind == "application/json":
            assert any(visible(hostile) in entry for entry in _entries(json.loads(script)))
    assert _unseen(text) == set()


def _entries(value):
    """The entries that the rows of a chart's data are of."""
    if isinstance(value, dict):
        own = {value["entry"]} if isinstance(value.get("entry"), str) else set()
        return own.union(*map(_entries, value.values()))
    return set().union(*map(_entries, value)) if isinstance(value, list) else set()


def _unseen(text):
    """Return the characters of a page, entities resolved, that do not show; our own headings have soft hyphens."""
    return {char for char in unescape(text.replace("&shy;", "").replace("&#160;", "")) if visible(char) != char} - {
        "\n"
    }


def _twins(bench, scores, text, group):
    """One method under two losses, with its layers."""
    for entry, loss in (("twin" + text, "plain"), ("other" + text, "black" + text)):
        for level in (1.0, 0.5):
            layers = {"conv" + text: [int(10 * level), 1, 10]}
            bench.done(entry, 0, level, scores(), loss=loss, plain="twin" + text, group=group, layers=layers)


@functools.cache
def _harmless_page(scores, bench):
    """The page with nothing hostile, drawn once."""
    return Page(render(_harmless(scores, bench())))


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
        ({"caveats": ["Tiles of one photo fall on both sides."]}, "Tiles of one photo fall on both sides."),
    ],
)
def test_banners_stand_before_every_number(usual, provenance, words):
    assert words not in Page(render(usual.results())).text
    text = Page(render(usual.results(**provenance))).text
    labels = re.findall(r'<a class="label[^"]*" href="#trust-1">([^<]+)</a>', render(usual.results(**provenance)))
    assert all(text.index(unescape(label)) < text.index("“lt” down to") for label in labels)
    assert any(unescape(label) in text.partition(words)[0] or unescape(label) == words for label in labels)


def test_no_results_and_only_failures_still_make_a_page(bench):
    bench.missing("lt", 0, 1.0, "failed", "out of patience")
    text = Page(render(bench.results())).text
    assert "out of patience" in text
    assert "Nothing was pruned yet." in text


def test_skipped_and_disconnected_entries_stand_on_the_page_with_their_sentences(usual):
    why, cut = "it needs images of 224 pixels, and these have 32", "conv4.weight has none of its 9 weights left"
    usual.missing("mobilenet", 0, 0.5, "skipped", why)
    flags = {"flag/disconnected": 1.0, "size/emptied": 1.0}
    usual.done("synflow", 0, 0.5, usual.images[0]["score"].to_numpy(), reason=cut, **flags)
    text = Page(render(usual.results())).text
    after = text[text.index("Failed, skipped, collapsed and disconnected") :]
    assert f"mobilenet 0 50% skipped {why}" in after
    assert f"synflow 0 50% disconnected {cut}" in after
    assert "synflow disconnected 1/3" in text


def test_what_the_loss_did_stands_between_the_tables_and_the_failures(crossed):
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


def test_a_pair_without_all_networks_has_no_difference_and_says_why(bench, scores):
    bench.done("lt", 0, 1.0, scores(), plain="lt")
    bench.missing("lt[loss=black]", 0, 1.0, "failed", "no reason", loss="black", plain="lt")
    text = section(bench.results())
    assert "failed in seed 0" in text
    assert not re.findall(r"[+\N{MINUS SIGN}]0\.\d", text)


def test_below_three_networks_no_difference_is_bold(bench, scores):
    for seeds, told in (((0, 1), "Nothing is bold"), ((0, 1, 2), "Bold: the interval leaves out 0")):
        for seed in seeds:
            for loss, missed in (("plain", 0), ("green", 15)):
                facts = {"loss": loss, "plain": "lt"}
                bench.done(f"lt{loss}", seed, 1.0, scores(missed, 20, seed=seed), group=f"g{len(seeds)}", **facts)
        assert told in section(bench.results())
    two, three = re.findall(r'<section class="group".*?</section>', render(bench.results()), re.DOTALL)
    bold = re.compile(r"<strong>[+\N{MINUS SIGN}]0\.\d+</strong>")
    assert (bool(bold.search(two)), bool(bold.search(three))) == (False, True)


def test_without_two_losses_there_is_no_such_section(usual_page):
    assert "What the loss did" not in usual_page.text
    assert "Remaining weights of each layer" not in usual_page.text


def test_layers_are_there_for_who_opens_them(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("snip", 0, 0.5, scores(), layers={"conv1.weight": [50, 40, 100], "conv2.weight": [0, 0, 300]})
    found = Page(render(bench.results()))
    assert "conv1 50% alive 40%" in found.text
    assert "conv2 none" in found.text


def test_a_table_of_layers_that_would_outweigh_the_page_is_left_to_its_file(bench, scores, monkeypatch):
    monkeypatch.setattr(parts, "LAYER_CELLS", 1)
    bench.done("dense", 0, 1.0, scores())
    bench.done("snip", 0, 0.5, scores(), layers={"conv1.weight": [50, 40, 100], "conv2.weight": [0, 0, 300]})
    found = Page(render(bench.results())).text
    assert "conv1" not in found
    assert "The counts of every layer, entry and network are in results.json" in found


def section(results):
    """Return the text of the page's section on losses, without its tags."""
    html = render(results)
    text = re.sub(r"<[^>]+>", " ", html[html.index("<h2>What the loss did") :].partition("<h2>Trade-offs")[0])
    return " ".join(unescape(text).split())


def test_the_page_says_what_a_changing_loss_leaves_open_and_how_to_close_it(changed):
    text = section(changed.results())
    assert "under black, which changes after the first round \N{DAGGER}" in text
    assert text.count("\N{EN DASH} \N{DAGGER}") == 4
    ((dense, *_),) = [pair.levels for pair in leaderboard(changed.results())[0].pairs]
    effect = dense.effects["loss_on_dense"]
    assert f"{signed(effect.low)} to {signed(effect.high)} first round's loss" in text
    assert text.count("first round's loss") == 2  # there and in the footnote
    for word in ("\N{DAGGER} Under black the positives' weight gamma changes", "--loss green , blue or weights-only"):
        assert word in text


def test_the_page_has_no_footnote_where_no_loss_changes(crossed):
    text = section(crossed.results())
    assert "\N{DAGGER}" not in text
    assert "first round" not in text


def test_a_level_has_a_part_for_each_budget_under_its_heading(budgeted):
    html = render(budgeted.results())
    (table,) = re.findall(r'<table class="sortable entries">.*?</table>', html, re.S)
    parts = re.findall(r'<tbody data-level="0.5">.*?</tbody>', table, re.S)
    found = [
        (re.findall(r'<th scope="rowgroup" colspan="(\d+)">([^<]+)</th>', part), re.findall(r'data-entry="(\w+)', part))
        for part in parts
    ]
    width = str(len(re.findall(r'<th scope="col"', table)))
    assert found == [
        ([(width, "Trained for 300 steps in all")], ["random"]),
        ([(width, "Trained for 600 steps in all")], ["lt", "magnitude"]),
        ([(width, "Not done")], ["mobilenet"]),
    ]


def test_the_page_says_that_ranks_know_no_budget_and_what_collapsed_means(usual_page):
    for words in (
        "compare within a heading",
        "Ranks are over the whole level",
        "less than 1% of those of the dense network",
    ):
        assert words in usual_page.text
