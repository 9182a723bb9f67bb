"""A data set that keeps every rule, and one for each way of breaking one; `MEANT` says which rule finds it by what."""

import os
import re
from pathlib import Path

import numpy as np

from harness.data import DataError, Dataset, DatasetNotFound, FileDataset, Sample

COUNT = 24


def picture(index, size):
    return np.random.default_rng((7, index)).integers(0, 256, (3, size, size), dtype=np.uint8)


def called(kind):
    """Return what a class is registered as."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", kind.__name__).lower()


class Sound(Dataset):
    """24 drawn images, every third of them positive, the last eight for testing."""

    name = "sound"

    def __init_subclass__(cls):
        cls.name = cls.__dict__.get("name", called(cls))

    version = "1"
    classes = ("plain", "odd")
    licence = "CC0-1.0"
    citation = "nobody, nowhere"

    def samples(self, folder):
        return [self.sample(index) for index in range(COUNT)]

    def sample(self, index):
        split = "train" if index < 16 else "test"
        return Sample(id=f"{index:02d}", label=int(index % 3 == 0), group=f"{index // 2}", split=split)

    def images(self, samples, size):
        for sample in samples:
            yield self.image(int(sample.id), size)

    def image(self, index, size):
        return picture(index, size)


class SoundFiles(FileDataset):
    """The PNGs of its folder, of which those called odd are positive."""

    name = "sound-files"
    version = "1"
    classes = ("plain", "odd")
    licence = "CC0-1.0"
    citation = "nobody, nowhere"

    def samples(self, folder):
        paths = sorted(folder.glob("*.png"))
        if not paths:
            raise DatasetNotFound(f"no PNG in {folder}", fix=self.remedy(folder))
        return [Sample(id=path.stem, label=int(path.stem.startswith("odd")), path=path) for path in paths]


# --- the seven that once passed


class LabelsOfTwo(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=2 * (index % 3 == 0))


class TestsOnTraining(Sound):
    def image(self, index, size):
        return picture(index % 16, size)


class OneId(Sound):
    def sample(self, index):
        return Sample(id="same", label=int(index % 3 == 0))


class ThreeClasses(Sound):
    classes = ("plain", "odd", "worse")

    def sample(self, index):
        return Sample(id=f"{index:02d}", label=index % 3)


class LabelsAsText(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=str(index % 2))


class Nameless(Dataset):
    version, classes, licence, citation = Sound.version, Sound.classes, Sound.licence, Sound.citation

    def samples(self, folder):
        return []


class LooksUpInVain(Sound):
    def samples(self, folder):
        return [Sample(id="a", label={"benign": 0}["maligant"])]


# --- others


class TornGroups(Sound):
    def sample(self, index):
        split = "train" if index < 16 else "test"
        return Sample(id=f"{index:02d}", label=int(index % 3 == 0), group=f"plate {index % 5}", split=split)


class BothLabels(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=int(index % 3 == 0))

    def image(self, index, size):
        return picture(index // 4, size)


class SavedAgain(SoundFiles):
    """The files of the first half are those of the second, which is tested."""

    name = "saved-again"

    def samples(self, folder):
        listed = super().samples(folder)
        half = len(listed) // 2
        return [
            Sample(id=one.id, label=place % 2, path=listed[place % half].path, split=("train", "test")[place >= half])
            for place, one in enumerate(listed)
        ]


class OrderOfASet(Sound):
    def samples(self, folder):
        listed = super().samples(folder)
        labels = [one.label for one in listed]
        texts = list({f"image {index}" for index in range(COUNT)})  # in the order of their hashes
        return [Sample(id=one.id, label=labels[int(text[6:])]) for one, text in zip(listed, texts, strict=True)]


class Unsorted(Sound):
    def samples(self, folder):
        return super().samples(folder)[::-1]


class DrawsFromGlobalState(Sound):
    def image(self, index, size):
        return np.random.randint(0, 256, (3, size, size)).astype(np.uint8)


class SeedsTheProcess(Sound):
    def samples(self, folder):
        np.random.seed(0)
        return super().samples(folder)


class CountsItsCalls(Sound):
    def images(self, samples, size):
        for place, _ in enumerate(samples):
            yield picture(place, size)


class RowsLast(Sound):
    def image(self, index, size):
        return picture(index, size).transpose(1, 2, 0)


class Floats(Sound):
    def image(self, index, size):
        return picture(index, size) / 255


class OneTooFew(Sound):
    def images(self, samples, size):
        yield from list(super().images(samples, size))[1:]


class OnePicture(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=int(index % 3 == 0))

    def image(self, index, size):
        return picture(0, size)


class OtherName(Sound):
    name = "another-name"


class NoLicence(Sound):
    licence = ""


class OneClassTested(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=int(index % 3 == 0 and index < 16), split=("train", "test")[index >= 16])


class NeverTested(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=int(index % 3 == 0), split="train")


class HalfSplit(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=int(index % 3 == 0), split="test" if index > 20 else None)


class ReadsElsewhere(Sound):
    def samples(self, folder):
        Path("notes-to-myself.txt").write_text("seen")
        return super().samples(folder)


class FindsNothing(SoundFiles):
    name = "finds-nothing"

    def samples(self, folder):
        return [Sample(id=path.stem, label=place % 2, path=path) for place, path in enumerate(sorted(folder.iterdir()))]


class SaysNothing(SoundFiles):
    name = "says-nothing"

    def samples(self, folder):
        if not any(folder.glob("*.png")):
            raise DatasetNotFound("no images", fix="get some")
        return super().samples(folder)


class CannotBeMade(Sound):
    def __init__(self):
        raise RuntimeError("no licence key")


class Exits(Sound):
    def samples(self, folder):
        os._exit(3)


class DivisionByZero(Sound):
    def image(self, index, size):
        return picture(index // (index // COUNT), size)


class Crashes(Sound):
    def image(self, index, size):
        os.abort()


class GivesRows(Sound):
    def samples(self, folder):
        return [("a", 0), ("b", 1)]


class FewOfAClass(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=int(index < 3))


class AllFaultsAtOnce(Sound):
    def samples(self, folder):
        raise DataError("the label file is wrong", faults=["line 3: no label", "line 9: no label"], fix="mend it")


class PathsAsText(Sound):
    def sample(self, index):
        return Sample(id=f"{index:02d}", label=int(index % 3 == 0), path=str(Path("x.png")))


MEANT = {
    LabelsOfTwo: ("labels_are_0_and_1", "'00': 2, '03': 2"),
    TestsOnTraining: ("no_picture_is_in_two_splits", "8 images have the same pixels in two splits: '00' = '16'"),
    OneId: ("ids_are_unique", "'same' 24 times"),
    ThreeClasses: ("says_what_it_is", "('plain', 'odd', 'worse'), not two different texts"),
    LabelsAsText: ("labels_are_0_and_1", "'00': '0', '01': '1'"),
    Nameless: ("can_be_made", "lacks name"),
    LooksUpInVain: ("lists_its_samples", "KeyError: 'maligant'"),
    TornGroups: ("groups_are_whole", "5 groups are torn: 'plate 0' in test and train"),
    BothLabels: ("no_picture_has_both_labels", "have the same pixels and both labels: '00' = '01'"),
    SavedAgain: ("no_file_is_in_two_splits", "are files of the same bytes in two splits"),
    OrderOfASet: ("a_fresh_process_is_the_same", "in a fresh process its samples differ"),
    Unsorted: ("samples_are_sorted", "number 0 is '23' where '00' comes first"),
    DrawsFromGlobalState: ("two_calls_are_the_same", "the second time its images differ"),
    SeedsTheProcess: ("global_state_is_untouched", "it changes numpy's random state"),
    CountsItsCalls: ("each_image_is_its_samples_own", "the image of '03' is another when it is asked for alone"),
    RowsLast: ("images_have_the_size_asked", "uint8 (63, 63, 3), not uint8 (3, size, size)"),
    Floats: ("images_have_the_size_asked", "float64 (3, 63, 63), not uint8"),
    OneTooFew: ("images_have_the_size_asked", "7 images are given for 8 samples"),
    OnePicture: ("images_differ", "all 24 images have the same pixels"),
    OtherName: ("is_called_as_registered", "is registered as 'other-name', and its name is 'another-name'"),
    NoLicence: ("says_what_it_is", "its licence is ''"),
    OneClassTested: ("each_split_has_both_classes", "test has 0 positives and 8 negatives"),
    NeverTested: ("splits_are_the_publishers", "no sample is in the split test"),
    HalfSplit: ("splits_are_the_publishers", "21 of 24 samples have no split"),
    ReadsElsewhere: ("keeps_to_its_folder", "notes-to-myself.txt"),
    FindsNothing: ("says_what_is_missing", "for an empty folder it gives 0 samples"),
    SaysNothing: ("says_what_is_missing", "of an empty folder it says 'no images': neither its name nor the folder"),
    CannotBeMade: ("can_be_made", "cannot be made: RuntimeError: no licence key"),
    Exits: ("lists_its_samples", "exit code 3"),
    DivisionByZero: ("images_have_the_size_asked", "ZeroDivisionError"),
    Crashes: ("images_have_the_size_asked", "signal 6"),
    GivesRows: ("lists_its_samples", "samples gives tuple in the place of Sample"),
    AllFaultsAtOnce: ("lists_its_samples", "the label file is wrong; line 3: no label; line 9: no label"),
    PathsAsText: ("lists_its_samples", "has a path that is no pathlib.Path"),
}
