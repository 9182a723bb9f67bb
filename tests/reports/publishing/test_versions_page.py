from harness.reports.export.results_json import document
from harness.reports.publishing.versions import Version
from harness.reports.publishing.versions_page import versions_html


def test_names_in_a_change_are_made_visible(make, tmp_path):
    before, after = (document(make(entries=entries)) for entries in (("lt",), ("lt", "\x1b<b>")))
    found = [Version(tmp_path / one["id"], one) for one in (before, after)]
    text = versions_html(after, found, found[1], onward=True)
    assert r"entry added: \x1b&lt;b&gt;" in text


def test_nothing_acts_but_the_readers_choice_of_light_or_dark(make, tmp_path):
    found = document(make())
    version = Version(tmp_path / found["id"], found)
    for onward in (True, False):
        text = versions_html(found, [version], version, onward)
        assert text.count("<script") == 1
        assert "prune-harness-theme" in text
