from pathlib import Path

from harness.images.decoding import Conversion, decoded
from harness.images.image_notes import ImageNotes


def test_each_kind_of_warning_is_told_once_with_a_files_name():
    notes = ImageNotes()
    for number in range(3):
        notes.add(Path(f"{number}.tif"), [f"tag {number} had too many\n entries"] * 2)
    notes.add(Path("9.jpg"), ["malformed", "tag 7 had too many\n entries"])
    assert notes.lines() == ["0.tif (and 3 more images): tag 0 had too many entries", "9.jpg: malformed"]
    assert ImageNotes().lines() == []


def test_many_kinds_are_cut_short():
    notes = ImageNotes()
    for number in range(26):
        notes.add(Path("a.tif"), ["x" * (number + 1)])
    assert len(notes.lines()) == 21
    assert notes.lines()[-1] == "and 6 other kinds of warnings"


def test_pillows_warning_belongs_to_its_image(saved, photograph, recwarn):
    # Two values where a tag has one: Pillow takes the first and warns.
    paths = [saved(f"{number}.tif", photograph(), tiffinfo={282: 72.0}) for number in range(2)]
    data = bytearray(paths[1].read_bytes())
    entry = data.index((284).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little"))
    data[entry + 4] = 2
    paths[1].write_bytes(data)
    notes = ImageNotes()
    assert len(list(decoded(paths, 16, Conversion(), None, notes))) == 2
    (line,) = notes.lines()
    assert line.startswith(f"{paths[1]}: Metadata Warning, tag 284 had too many entries")
    assert not recwarn
