from harness.datasets.breastmnist import BreastMnist

BUSI = {"images": 780, "malignant": 210}
MEDMNIST = {"train": 546, "validation": 78, "test": 156}


def test_label_0_is_malignant_and_positive():
    assert [label for label in range(2) if BreastMnist().is_positive(label)] == [0]
    assert BreastMnist.classes[1] == "malignant"
    assert BreastMnist.most_label == 1


def test_the_counts_add_up_to_those_of_the_two_papers():
    counts = BreastMnist.official_counts
    assert {split: sum(both) for split, both in counts.items()} == MEDMNIST
    assert sum(sum(both) for both in counts.values()) == BUSI["images"]
    assert sum(positives for _, positives in counts.values()) == BUSI["malignant"]


def test_the_page_will_say_that_patients_may_be_on_both_sides():
    assert any("patient may be on both sides" in caveat for caveat in BreastMnist.caveats)
