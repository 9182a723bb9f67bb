from harness.datasets.dermamnist import DermaMnist

HAM10000 = {"images": 10_015, "melanomas": 1_113}
MEDMNIST = {"train": 7_007, "validation": 1_003, "test": 2_005}


def test_only_the_melanoma_is_positive():
    assert [label for label in range(7) if DermaMnist().is_positive(label)] == [4]
    assert DermaMnist.classes[1] == "melanoma"


def test_the_counts_add_up_to_those_of_the_two_papers():
    counts = DermaMnist.official_counts
    assert {split: sum(both) for split, both in counts.items()} == MEDMNIST
    assert sum(sum(both) for both in counts.values()) == HAM10000["images"]
    assert sum(positives for _, positives in counts.values()) == HAM10000["melanomas"]


def test_the_page_will_say_that_lesions_are_on_both_sides():
    assert any("Images of one lesion fall on both sides" in caveat for caveat in DermaMnist.caveats)
