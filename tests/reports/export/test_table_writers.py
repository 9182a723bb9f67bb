"""Tables as text: the numbers are those of the table, and no name does harm."""

import csv
import io
import math
import re
import shutil
import subprocess
import warnings

import pytest

from harness.reports.export.formats import TableFormat
from harness.reports.export.table import Figure, Head, Table
from harness.reports.export.table_writers import latex, markdown, written
from harness.reports.formatting import decimal, points

HOSTILE = [
    r"\input{/etc/passwd}",
    r"\end{tabular}\write18{rm x}",
    "100% & more \\\\ #1 _^~$x$",
    "[1cm] first",
    "*star",
    "a | b",
    "<script>alert(1)</script>",
    "[link](javascript:alert(1)) ![x](y)",
    "`code` **bold** {{ 7 }}",
    "=HYPERLINK(1)",
    "line\nend",
    "\u202eright \u4e2d \u2212 \u2013 \xe9",
]


@pytest.fixture
def table():
    heads = (Head("Entry"), Head("Networks"), Head("AUC", decimal, interval=True), Head("Lost", points), Head("Rank"))
    rows = (
        ("lt", "3/3", Figure(0.84349, 0.79, 0.881), Figure(-0.0314), 1),
        ("snip", "2/3", Figure(math.nan), Figure(math.nan), ""),
        *((name, "1/1", Figure(0.5, math.nan, math.nan), Figure(0.1), 2) for name in HOSTILE),
    )
    return Table("some-table", "50% of the weights & more_", heads, rows)


def cells_of(line):
    """Split a line of Markdown at its bars, those with a backslash in front being text, and take backslashes away."""
    return [re.sub(r"\\(.)", r"\1", cell.strip()) for cell in re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]]


def test_markdown_parses_back_to_the_same_texts_and_numbers(table):
    caption, _, *lines = written(table, TableFormat.MARKDOWN).splitlines()
    assert re.sub(r"\\(.)", r"\1", caption) == table.caption
    head, rule, *body = map(cells_of, lines)
    assert head == [one.title for one in table.heads]
    assert set(rule) == {"---"}
    assert body[0] == ["lt", "3/3", "0.843 (0.790 to 0.881)", "\N{MINUS SIGN}3.1 points", "1"]
    assert body[1] == ["snip", "2/3", "\N{EN DASH}", "\N{EN DASH}", ""]
    assert len(body) == len(table.rows)
    assert all(len(line) == len(table.heads) for line in body)
    assert [line[2] for line in body[2:]] == ["0.500"] * len(HOSTILE)


@pytest.mark.parametrize("name", HOSTILE)
def test_in_markdown_a_name_is_text_alone(name):
    found = markdown(name)
    assert not re.search(r"(?<!\\)[`*_\[\]<>|!{}]", found)
    assert "\n" not in found


def test_csv_has_figures_to_full_precision_in_columns_of_their_own(table):
    head, *body = csv.reader(io.StringIO(written(table, TableFormat.CSV)))
    assert head == ["Entry", "Networks", "AUC", "AUC, low", "AUC, high", "Lost", "Rank"]
    assert [float(value) for value in body[0][2:6]] == [0.84349, 0.79, 0.881, -0.0314]
    assert body[1][2:6] == ["", "", "", ""]
    assert body[2 + HOSTILE.index("=HYPERLINK(1)")][0] == "'=HYPERLINK(1)"


def test_latex_has_rules_of_booktabs_a_caption_and_a_label(table):
    found = written(table, TableFormat.LATEX)
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:some-table}"):
        assert found.count(part) == 1
    assert r"\caption{50\% of the weights \& more\_}" in found
    assert r"\begin{tabular}{llrrl}" in found
    assert r"lt & 3/3 & 0.843 (0.790 to 0.881) & $-$3.1 points & 1 \\" in found
    assert len(re.findall(r"\\\\$", found, re.MULTILINE)) == 1 + len(table.rows)


@pytest.mark.parametrize("name", HOSTILE)
def test_in_latex_a_name_is_text_alone(name):
    """What is left once our own commands are taken out has nothing that LaTeX acts on."""
    found = latex(name)
    assert not found.startswith(("[", "*"))
    ours = r"\\text(?:backslash|asciitilde|asciicircum|less|greater|bar)\{\}|\\char34\{\}|\\dots\{\}|\$(?:-|\\times)\$"
    left = re.sub(rf"{ours}|\\[&%$#_{{}}]|\{{[\[\]*]\}}", "", found)
    assert not set(left) & set("\\&%$#_{}~^|<>\n")
    assert left.isprintable()


NO_LATEX = "no LaTeX here: whether the tables compile is not tested (apt-get install texlive-latex-recommended)"


def test_latex_compiles(table, tmp_path):
    engine = next((one for one in ("pdflatex", "lualatex", "xelatex") if shutil.which(one)), None)
    if engine is None:
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # a line of the summary, not the error that warnings are elsewhere
            warnings.warn(NO_LATEX, UserWarning, stacklevel=1)
        pytest.skip(NO_LATEX)
    text = written(table, TableFormat.LATEX)
    for fonts in ("", r"\usepackage[T1]{fontenc}"):
        preamble = rf"\documentclass{{article}}{fonts}\usepackage{{booktabs}}"
        (tmp_path / "paper.tex").write_text(f"{preamble}\n\\begin{{document}}\n{text}\n\\end{{document}}\n")
        asked = [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
        ran = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stdout[-2000:]
        assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF-")
