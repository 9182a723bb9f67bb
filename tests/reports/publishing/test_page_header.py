from harness.reports.export.results_json import document
from harness.reports.publishing.page_header import report_place, version_place


def test_a_version_says_what_it_is_and_leads_back(make):
    found = document(make("isic", network="big"))
    text = version_place(found)
    assert f"Version {found['id']}" in text
    assert "isic \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} big" in text
    for way in ("../../../../index.html", "../../index.html", "../index.html", "cells.csv", "results.json"):
        assert f'href="{way}"' in text
    assert "Version" not in report_place()
