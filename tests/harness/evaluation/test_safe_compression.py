from harness.evaluation.proportions import paired_upper_bound
from harness.evaluation.safe_compression import safe_compression


def test_safe_compression_stops_before_the_first_level_that_fails():
    levels = [(0.25, 2, 1), (1.0, 0, 0), (0.5, 1, 1), (0.125, 20, 1), (0.0625, 0, 0)]
    result = safe_compression(levels, 75)
    assert (result.verdict, result.density) == ("density", 0.25)
    assert [density for density, _ in result.bounds] == [1.0, 0.5, 0.25, 0.125]
    assert all(bound < 0.1 for _, bound in result.bounds[:-1])
    assert result.bounds[-1][1] >= 0.1


def test_safe_compression_fails_a_bound_just_above_delta():
    assert 0.1 < paired_upper_bound(6, 2, 75) < 0.15
    assert safe_compression([(0.5, 2, 2), (0.25, 6, 2)], 75).density == 0.5
    assert safe_compression([(0.5, 2, 2), (0.25, 6, 2)], 75, delta=0.15).density == 0.25


def test_safe_compression_says_none_and_not_decidable():
    for levels in ([(0.5, 30, 0)], []):
        none = safe_compression(levels, 75)
        assert (none.verdict, none.density) == ("none", None)
    few = safe_compression([(0.5, 0, 0)], 24)
    assert (few.verdict, few.density, few.positives) == ("not decidable", None, 24)
    assert safe_compression([(0.5, 0, 0)], 25).density == 0.5
    assert safe_compression([(0.5, 0, 0)], 0).verdict == "not decidable"
