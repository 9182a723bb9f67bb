"""Two networks joined by image, or refused with every image that does not fit."""

import pytest

from harness.errors import DataError
from harness.gating.scored import Scored, joined, limits_of

LABELS = {"b": 0, "a": 1, "c": 0}


def test_images_are_joined_by_id_whatever_their_order():
    candidate = Scored("new", LABELS, {"c": 3.0, "a": 1.0, "b": 2.0})
    baseline = Scored("old", dict(reversed(LABELS.items())), {"a": 4.0, "b": 5.0, "c": 6.0})
    found = joined(candidate, baseline)
    assert found.ids == ("a", "b", "c")
    assert found.labels.tolist() == [1, 0, 0]
    assert found.candidate.tolist() == [1.0, 2.0, 3.0]
    assert found.baseline.tolist() == [4.0, 5.0, 6.0]


def test_every_image_that_does_not_fit_is_named():
    many = {f"x{number:02d}": 0 for number in range(30)}
    candidate = Scored("new", {"a": 1, "b": 1, **many}, dict.fromkeys(["a", "b", *many], 0.0))
    baseline = Scored("old", LABELS, dict.fromkeys(LABELS, 0.0))
    with pytest.raises(DataError) as caught:
        joined(candidate, baseline)
    assert caught.value.faults == [
        "new lacks 1 of 3 images of old: c",
        f"old lacks 30 of 32 images of new: {', '.join(list(many)[:20])} and 10 more",
        "1 images have another label in new: b",
    ]


def test_what_takes_scores_their_meaning_is_said_once_and_of_whom():
    one = Scored("new", {}, {}, limits=("IT HAS COLLAPSED.", "SIMULATED."))
    other = Scored("old", {}, {}, limits=("SIMULATED.", "PARTIAL."))
    assert limits_of(one, other) == ["SIMULATED.", "The candidate: IT HAS COLLAPSED.", "The baseline: PARTIAL."]
    assert limits_of(Scored("new", {}, {}), Scored("old", {}, {})) == []
