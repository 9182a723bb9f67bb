from harness.reports.export.results_json import document
from harness.reports.publishing.page_header import END, START, newest_place, report_place, splice, version_place
from harness.reports.publishing.versions import Version


def test_only_what_stands_between_the_marks_is_replaced():
    page = f"<h1>a</h1>{START}old\n{END}<p>b</p>{START}another{END}"
    place = f"{START}\\1 new{END}"  # what a substitution would take for a group
    assert splice(page, place) == f"<h1>a</h1>{place}<p>b</p>{START}another{END}"


def test_a_page_without_marks_stays_as_it_is():
    assert splice("<h1>a</h1>", report_place()) == "<h1>a</h1>"


def test_a_version_says_what_it_is_and_leads_back(make):
    found = document(make("isic", network="big"))
    text = version_place(found)
    assert text.startswith(START)
    assert text.endswith(END)
    assert f"Version {found['id']}" in text
    assert "isic \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} big" in text
    assert 'href="../../../../index.html"' in text
    assert "Version" not in report_place()


def test_names_in_a_change_are_made_visible(make, tmp_path):
    before, after = (document(make(entries=entries)) for entries in (("lt",), ("lt", "\x1b<b>")))
    found = [Version(tmp_path / one["id"], one) for one in (before, after)]
    text = newest_place(found, found[1])
    assert r"entry added: \x1b&lt;b&gt;" in text
