import importlib
import sys
from textwrap import dedent

import pytest

from harness.storage.sources import digest_of_code, module_text, taken_from, without_facts

CODE = dedent('''
    """A module."""
    import math

    LIMIT: float = 0.5
    """What is allowed."""


    class Ranker[0]:
        """A class."""

        def rank(self, values: list[float], width: int = 8) -> str:
            """A method."""
            if not values:
                raise ValueError(f"{width!r} values, not {len(values):>{width}} of them" "!")
            chosen = [value for value in values if value > LIMIT]  # the best
            return f"{math.sqrt(max(chosen)):<{width}.3f}{{}}" "a"
''').replace("[0]", "(object)")

RECORDED = "80d3dacce0c31b9896e324c01482699926099c92508881d4616226abe01e3a18"


def test_the_digest_is_the_same_in_every_python():
    """Recorded; a Python that gives another would ask everybody for another TRAINING_VERSION."""
    assert digest_of_code(CODE) == RECORDED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# the best", "# those that are left"),
        ('"""A module."""', '"""Another text."""'),
        ('"""A class."""', ""),
        ('"""A method."""', '"""What it does."""'),
        ('"""What is allowed."""', ""),
        ("values, not ", "numbers instead of "),
        ('of them" "!")', 'of them")'),
        ("value for value in values if value > LIMIT", "value  for value in values\n            if (value > LIMIT)"),
        ('.3f}{{}}" "a"', '.3f}{{}}a"'),
    ],
)
def test_words_and_layout_do_not_count(old, new):
    assert old in CODE
    assert digest_of_code(CODE.replace(old, new)) == digest_of_code(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.5", "0.25"),
        ("value > LIMIT", "value >= LIMIT"),
        ("LIMIT: float", "LIMIT: int"),
        ("width: int = 8", "width: int = 9"),
        ("ValueError", "TypeError"),
        ("{len(values)", "{max(values)"),
        (".3f", ".4f"),
        ('"a"', '"b"'),
        ("!r", "!s"),
        ("import math", "import cmath as math"),
        ("math.sqrt", "math.exp"),
        ("if not values:\n", "if True:\n"),
    ],
)
def test_all_else_counts(old, new):
    assert old in CODE
    assert digest_of_code(CODE.replace(old, new)) != digest_of_code(CODE)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes a package ``own``, its front and the module ``own.main``."""

    def write(main, front=""):
        for name in [name for name in sys.modules if name.partition(".")[0] == "own"]:
            monkeypatch.delitem(sys.modules, name)
        (tmp_path / "own" / "inner").mkdir(parents=True, exist_ok=True)
        files = {"__init__": front, "main": main, "one": "from own.two import deep\nONE = 1\n", "two": "deep = 2\n"}
        files |= {"inner/__init__": "from .below import *\n", "inner/below": "BELOW = 3\n", "broken": "raise OSError\n"}
        for name, text in files.items():
            (tmp_path / "own" / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        importlib.invalidate_caches()

    return write


@pytest.mark.parametrize(
    ("main", "found"),
    [
        ("from own.one import ONE", {"own.one"}),
        ("from own.one import ONE as renamed, deep", {"own.one", "own.two"}),
        ("from own import one", {"own.one"}),
        ("import own.two", {"own.two"}),
        ("import own.one as other, own.two", {"own.one", "own.two"}),
        ("from .one import ONE", {"own.one"}),
        ("from . import two", {"own.two"}),
        ("from own import shown", {"own.two"}),
        ("from own import HERE", {"own"}),
        ("from own.inner import *", {"own.inner"}),
        ("from own.broken import nothing", {"own.broken"}),
        ("def f():\n    from own.one import ONE\n    return ONE", {"own.one"}),
        ("if False:\n    from own.one import ONE", {"own.one"}),
        ("import math, own_other\nfrom torch import nn", set()),
    ],
)
def test_names_are_followed_to_where_they_are_defined(package, main, found):
    package(main, front="from own.one import deep as shown\nHERE = 1\n")
    assert taken_from("own.main", ["own"]) == found
    assert "own.main" not in sys.modules
    assert "own.broken" not in sys.modules


def test_a_star_is_followed_from_the_front_that_has_it(package):
    package("from own.inner import BELOW")
    assert taken_from("own.main", ["own"]) == {"own.inner"}
    assert taken_from("own.inner", ["own"]) == {"own.inner.below"}


def test_only_the_packages_that_are_asked_for_are_followed(package):
    package("from own.one import ONE\nfrom own.inner import BELOW")
    assert taken_from("own.main", ["own.inner"]) == {"own.inner"}
    assert taken_from("own.main", []) == set()


@pytest.mark.parametrize("module", ["builtins", "math", "no_such_module", "own.no_such", "torch._C", "__nothing__"])
def test_a_module_without_a_python_file_has_no_text(module):
    assert module_text(module) is None
    assert taken_from(module, ["harness"]) == set()


def test_the_text_is_the_files():
    assert "def module_text" in module_text("harness.storage.sources")


FACTS = '''class Method:
    """What it does."""

    source = "a paper"
    family: ClassVar[str] = "ticket"
    """What kind it is."""
    rate = 0.5

    class Inner:
        family = (
            "one shot"
        )
        other = 1
'''
WITHOUT = '''class Method:
    """What it does."""

    source = "a paper"
    rate = 0.5

    class Inner:
        other = 1
'''


def test_what_tells_readers_of_a_class_alone_is_left_out_with_its_words():
    assert without_facts(FACTS) == WITHOUT
    assert digest_of_code(FACTS) == digest_of_code(WITHOUT) != digest_of_code(WITHOUT.replace("0.5", "0.4"))


@pytest.mark.parametrize(
    "line",
    ["    family = 'x'; rate = 1", "    family = rate = 'x'", "    family = other()", "    def family(self): ..."],
)
def test_what_could_decide_something_stays(line):
    text = f"class Method:\n{line}\n    last = 2\n"
    assert without_facts(text) == text
    changed = text.replace("rate = 1", "rate = 2").replace("rate = 'x'", "rates = 'x'").replace("other()", "others()")
    changed = changed.replace("...", "return 1")
    assert digest_of_code(text) != digest_of_code(changed)


def test_outside_of_classes_a_family_is_a_value_as_any():
    assert without_facts("family = 'x'\n") == "family = 'x'\n"
