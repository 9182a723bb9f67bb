"""Which data set is meant by what is written, and what cannot be meant."""

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Dataset
from harness.data.asked import Asked, load_dataset, parse_dataset, takes_path
from harness.datasets.isic import Isic
from harness.errors import DataError, UsageError


class Plain(Dataset):
    """Has no options."""

    name = "plain"
    version = "1"
    classes = ("a", "b")
    licence = citation = "none"

    def samples(self, folder):
        return []


@dataclass(frozen=True, kw_only=True)
class Chosen(Plain):
    """Has options."""

    name = "chosen"
    strict: bool = False
    limit: int = 3
    share: float = 0.5
    kind: str = "usual"
    way: Literal["short", "long"] = "short"


@dataclass(frozen=True, kw_only=True)
class Somewhere(Plain):
    """Images of a user's own."""

    path: str
    positive: str | None = None
    name = "somewhere"


@dataclass(frozen=True, kw_only=True)
class Versioned(Plain):
    """What it tells of itself depends on an option."""

    name = "versioned"
    strict: bool = False

    @property
    def version(self):
        return "strict 1" if self.strict else "1"


@pytest.fixture(autouse=True)
def _registered(register):
    register(plain=Plain, chosen=Chosen, somewhere=Somewhere, versioned=Versioned)


# --- spellings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("isic", Asked(kind="isic")),
        ("  isic ", Asked(kind="isic")),
        ("chosen[strict=true]", Asked(kind="chosen", options=(("strict", "true"),))),
        ("chosen[strict=true,limit=4]", Asked(kind="chosen", options=(("limit", "4"), ("strict", "true")))),
        ("chosen[ limit = 4 , strict = true ]", Asked(kind="chosen", options=(("limit", "4"), ("strict", "true")))),
        ("somewhere:/data/cells", Asked(kind="somewhere", path="/data/cells")),
        ("somewhere:cells", Asked(kind="somewhere", path="cells")),
        ("somewhere:.", Asked(kind="somewhere", path=".")),
        ("somewhere:labels.csv[positive=a]", Asked(kind="somewhere", path="labels.csv", options=(("positive", "a"),))),
        (r"somewhere:C:\data\cells", Asked(kind="somewhere", path=r"C:\data\cells")),
        ("somewhere:C:/data/cells", Asked(kind="somewhere", path="C:/data/cells")),
        (r"somewhere:\\server\share\cells", Asked(kind="somewhere", path=r"\\server\share\cells")),
        ("somewhere:/a b/c:d", Asked(kind="somewhere", path="/a b/c:d")),
        ("somewhere:/data/[old]", Asked(kind="somewhere", path="/data/[old]")),
        ("somewhere:/data/[old]/x", Asked(kind="somewhere", path="/data/[old]/x")),
        ("somewhere:/data/[a=b]/", Asked(kind="somewhere", path="/data/[a=b]/")),
        (
            "somewhere:/data/[a=b][positive=x]",
            Asked(kind="somewhere", path="/data/[a=b]", options=(("positive", "x"),)),
        ),
        ("somewhere:/data/key=value", Asked(kind="somewhere", path="/data/key=value")),
        ("somewhere:/d\u00e4ta/\u7d30\u80de", Asked(kind="somewhere", path="/d\u00e4ta/\u7d30\u80de")),
        ("somewhere:/one\nline", Asked(kind="somewhere", path="/one\nline")),
        ("somewhere:~/cells", Asked(kind="somewhere", path="~/cells")),
        ("somewhere:-cells", Asked(kind="somewhere", path="-cells")),
    ],
)
def test_what_is_written_is_what_is_meant(written, meant):
    assert parse_dataset(written) == meant


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda path: path == path.strip()))
def test_every_path_without_an_option_at_its_end_comes_back_as_it_is(path):
    if not path.endswith("]"):
        assert parse_dataset(f"somewhere:{path}") == Asked(kind="somewhere", path=path)


def test_the_order_of_options_does_not_matter():
    assert parse_dataset("chosen[limit=4,strict=true]") == parse_dataset("chosen[strict=true,limit=4]")


def test_options_that_are_given_apart_are_options():
    assert parse_dataset("somewhere:/x", {"positive": "cat"}) == parse_dataset("somewhere:/x[positive=cat]")


@pytest.mark.parametrize(
    "written",
    ["", "  ", ":", ":/data", "[strict=true]", "chosen[", "chosen[strict", "chosen]", "chosen[]", "chosen[strict]",
     "chosen[strict=true]x", "chosen[strict=[true]]", "chosen[[strict=true]]", "chosen[strict=true][limit=3]",
     "somewhere:", "somewhere:  ", "somewhere:[positive=a]"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_all_spellings(written):
    with pytest.raises(UsageError, match="cannot read data set") as caught:
        parse_dataset(written)
    assert caught.value.exit_code == 2
    for spelling in ("NAME", "NAME[option=value]", "folder:PATH", "csv:PATH"):
        assert spelling in caught.value.fix


def test_an_option_that_is_given_twice_is_refused():
    with pytest.raises(UsageError, match="gives a parameter twice"):
        parse_dataset("chosen[strict=true,strict=false]")


# --- the data set itself


def test_a_set_is_made_with_its_options_as_their_types():
    made = load_dataset("chosen[strict=true,limit=7,share=1,kind=Other,way=long]")
    assert made == Chosen(strict=True, limit=7, share=1.0, kind="Other", way="long")
    assert type(made.share) is float
    assert load_dataset("chosen") == Chosen()
    assert type(load_dataset("isic")) is Isic
    assert load_dataset("somewhere:/x[positive=cat]") == Somewhere(path="/x", positive="cat")
    assert parse_dataset("somewhere:/x", {"positive": "cat"}).dataset() == Somewhere(path="/x", positive="cat")


def test_what_a_set_tells_of_itself_may_depend_on_its_options():
    assert load_dataset("versioned[strict=true]").version == "strict 1"
    assert load_dataset("versioned").version == "1"


def test_a_path_is_never_the_users_option():
    with pytest.raises(UsageError) as caught:
        load_dataset("somewhere:/x[path=/y]")
    assert caught.value.faults == ["'path' is not a parameter"]


@pytest.mark.parametrize(
    ("written", "faults"),
    [
        ("chosen[stric=true]", ["'stric' is not a parameter (did you mean 'strict'?)"]),
        ("chosen[strict=perhaps]", ["strict: "]),
        ("chosen[limit=2.5]", ["limit: "]),
        ("chosen[limit=many]", ["limit: "]),
        ("chosen[way=round]", ["way: "]),
        ("chosen[limit=many,lim=1,share=x]", ["'lim' is not a parameter", "limit: ", "share: "]),
    ],
)
def test_wrong_options_are_refused_all_at_once_with_those_that_there_are(written, faults):
    with pytest.raises(UsageError, match="data set 'chosen' got wrong parameters") as caught:
        load_dataset(written)
    assert caught.value.exit_code == 2
    assert len(caught.value.faults) == len(faults)
    assert all(told.startswith(fault) for told, fault in zip(sorted(caught.value.faults), sorted(faults), strict=True))
    assert "strict, limit, share, kind, way" in caught.value.fix


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("plain[strict=true]", "data set 'plain' has no options"),
        ("isic[strict=true]", "data set 'isic' has no options"),
        ("plain:/data", "data set 'plain' is asked for as plain"),
        ("isic:/data", "data set 'isic' is asked for as isic"),
        ("chosen:/data", "data set 'chosen' is asked for as chosen"),
        ("somewhere", "data set 'somewhere' is asked for as somewhere:PATH"),
        ("somewhere[positive=a]", "data set 'somewhere' is asked for as somewhere:PATH"),
        ("isicc", "unknown data set 'isicc' (did you mean 'isic'?)"),
        ("Isic", "unknown data set 'Isic'"),
        ("sommewhere:/data", "unknown data set 'sommewhere'"),
        ("chosen,plain", "unknown data set 'chosen,plain'"),
    ],
)
def test_what_is_no_data_set_or_is_asked_for_in_another_way_is_refused(written, words):
    with pytest.raises(UsageError) as caught:
        load_dataset(written)
    assert words in caught.value.message
    assert caught.value.fix
    assert caught.value.exit_code == 2


def test_a_set_that_takes_a_path_is_a_dataclass_with_that_field():
    assert [takes_path(kind) for kind in (Plain, Chosen, Somewhere, Isic)] == [False, False, True, False]


# --- what its results are kept under


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("isic", "isic"),
        ("chosen", "chosen"),
        ("chosen[strict=false,limit=3]", "chosen"),
        ("chosen[strict=1]", "chosen[strict=true]"),
        ("chosen[strict=TRUE]", "chosen[strict=true]"),
        ("chosen[limit=04]", "chosen[limit=4]"),
        ("chosen[strict=true,limit=4]", "chosen[limit=4,strict=true]"),
        ("chosen[kind=Cat]", "chosen[kind=Cat]"),
        ("chosen[kind=cat]", "chosen[kind=cat]"),
        ("somewhere:/x/y[positive=a]", "somewhere"),
    ],
)
def test_the_name_of_results_has_the_options_that_are_not_the_usual_ones(written, name):
    assert parse_dataset(written).name == name
    if ":" not in written:
        assert parse_dataset(name).dataset() == parse_dataset(written).dataset()  # it is a way to ask for it, too


def test_the_path_of_this_machine_is_no_part_of_the_name():
    assert parse_dataset("somewhere:/one").name == parse_dataset("somewhere:/other").name


# --- code that is at fault


def instance():
    return Plain()


class Silent(Plain):
    def __getattribute__(self, name):
        if name in ("licence", "citation"):
            raise AttributeError(name)
        return super().__getattribute__(name)


@dataclass(frozen=True, kw_only=True)
class Refuses(Plain):
    limit: int = 3

    def __post_init__(self):
        raise ValueError("limit must be even") if self.limit % 2 else RuntimeError("no device")


class Raises(Plain):
    def __init__(self):
        raise KeyError("HOME")


class Abstract(Dataset):
    name = "abstract"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (instance, "its entry point is not a class"),
        (Silent, "lacks licence, citation"),
        (Raises, "of a-plugin 1.0 cannot be made: "),
        (Abstract, "cannot be made: "),
    ],
)
def test_a_set_whose_own_code_is_at_fault_is_named_with_where_it_is_from(register, kind, words):
    register(faulty=kind)
    with pytest.raises(DataError) as caught:
        load_dataset("faulty")
    assert "data set 'faulty'" in caught.value.message
    assert words in caught.value.message
    assert caught.value.exit_code == 4


def test_what_an_option_may_not_be_is_said_in_the_sets_words(register):
    register(refuses=Refuses)
    with pytest.raises(UsageError) as caught:
        load_dataset("refuses[limit=5]")
    assert caught.value.faults == ["limit must be even"]
    with pytest.raises(DataError, match=r"data set 'refuses' of a-plugin 1\.0 cannot be made: .*no device"):
        load_dataset("refuses[limit=4]")


def test_a_set_that_calls_itself_otherwise_than_it_is_registered_is_refused(register):
    register(isic2=Isic)
    with pytest.raises(DataError, match=r"data set 'isic2' .* is registered as 'isic2', and its name is 'isic'"):
        parse_dataset("isic2").dataset()
