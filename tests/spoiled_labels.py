"""Label files spoiled by chance, from a seed, each with what a reader must make of it.

A `Dialect` says what good lines look like, so that one generator serves every reader of labels.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

NEVER_A_LABEL = ("perhaps", "2", "-1", "nan", "None", "benig", "malignantt", "0,1", "\ufffd", "yes no", "1e0", "01")
NEVER_AN_ID = (
    "",
    "image_id",
    "../up",
    "ISIC_123",
    "isic_0000001",
    "ISIC_0000001.jpg",
    "\u0130SIC_0000001",
    "#",
    '"',
    "=1+1",
)


@dataclass(frozen=True)
class Dialect:
    """How one reader's files are written: its good spellings, and which faults there are in it.

    ``identity`` makes the id of a number; ``words`` are the spellings of the labels 0 and 1. ``header`` is the first
    line, None: there is none. ``unknown_ids``: whether an id of another form is a fault.
    """

    identity: Callable[[int], str] = "ISIC_{:07d}".format
    words: tuple[tuple[str, ...], tuple[str, ...]] = (
        ("benign", "0", "0.0", "Benign", " benign "),
        ("malignant", "1", "1.0", "MALIGNANT", "malignant\t"),
    )
    header: str | None = None
    delimiters: tuple[str, ...] = (",",)
    ends: tuple[str, ...] = ("\n", "\r\n", "\r")
    encodings: tuple[str, ...] = ("utf-8", "utf-8-sig")
    unknown_labels: tuple[str, ...] = NEVER_A_LABEL
    unknown_ids: tuple[str, ...] = NEVER_AN_ID


@dataclass
class LabelFile:
    """A file's bytes; the label of each id where all is well; the numbers of all lines with a fault, from 1."""

    content: bytes = b""
    labels: dict[str, int] = field(default_factory=dict)
    faults: list[int] = field(default_factory=list)


def label_files(seed: int, count: int, dialect: Dialect) -> Iterator[LabelFile]:
    """Yield ``count`` files, the same for the same seed: a third without a fault, the others with one to all lines."""
    draws = random.Random(seed)
    for _ in range(count):
        yield _label_file(draws, dialect, draws.choice((0, 0, 0.05, 0.3, 1)))


def _label_file(draws: random.Random, dialect: Dialect, share: float) -> LabelFile:
    found, lines = LabelFile(), [] if dialect.header is None else [dialect.header]
    delimiter = draws.choice(dialect.delimiters)
    for _ in range(draws.choice((1, 2, 9, 40))):
        if draws.random() < 0.1:
            lines.append(draws.choice(("", "  ", "\t")))
        faulty = draws.random() < share
        lines.append(_faulty(draws, dialect, delimiter, found) if faulty else _good(draws, dialect, delimiter, found))
        if faulty:
            found.faults.append(len(lines))
    end = draws.choice(dialect.ends)
    text = end.join(lines) + (end if draws.random() < 0.7 else "")
    found.content = text.encode(draws.choice(dialect.encodings))
    return found


def _good(draws: random.Random, dialect: Dialect, delimiter: str, found: LabelFile) -> str:
    identity = dialect.identity(10 * len(found.labels) + draws.randrange(10))
    label = draws.randrange(2)
    found.labels[identity] = label
    return f"{identity}{delimiter}{draws.choice(dialect.words[label])}"


def _faulty(draws: random.Random, dialect: Dialect, delimiter: str, found: LabelFile) -> str:
    word, new = draws.choice(draws.choice(dialect.words)), dialect.identity(draws.randrange(1000, 9999))
    kinds = [
        f"{new}{delimiter}{draws.choice(dialect.unknown_labels)}",
        f"{new}{delimiter}",
        new,
    ]
    if dialect.unknown_ids:
        kinds.append(f"{draws.choice(dialect.unknown_ids)}{delimiter}{word}")
    if found.labels:  # an id again, with the same label or another: no order of reading decides
        kinds.append(f"{draws.choice(list(found.labels))}{delimiter}{word}")
    return draws.choice(kinds)


def mutated(seed: int, count: int, dialect: Dialect) -> Iterator[bytes]:
    """Yield good files with bytes changed, put in, lost or doubled: only a reading line by line says what they mean."""
    draws = random.Random(seed)
    for _ in range(count):
        data = bytearray(_label_file(draws, dialect, 0).content)
        for _ in range(draws.choice((0, 1, 1, 2, 5))):
            at = draws.randrange(len(data) + 1)
            kind = draws.randrange(4)
            if kind == 0 and at < len(data):
                data[at] = draws.randrange(256)
            elif kind == 1:
                data[at:at] = draws.choice(
                    (b"\0", b"\xff", b"\r", b"\n", b",", b'"', b";", b"\xef\xbb\xbf", b"\x0c", b"\x85")
                )
            elif kind == 2:
                del data[at : at + draws.randrange(1, 12)]
            else:
                data[at:at] = data[max(0, at - 30) : at]
        yield bytes(data)
