import math
import random

import pytest

from harness.reports.analysis.pareto import front


def dominated(point, other):
    return other[0] <= point[0] and other[1] <= point[1] and other != point


@pytest.mark.parametrize("seed", range(40))
def test_the_front_is_what_no_other_point_dominates(seed):
    """Among few values, so that there are ties in one coordinate and in both; one in ten is not known."""
    draw = random.Random(seed)
    points = [
        tuple(math.nan if draw.random() < 0.1 else draw.randrange(6) / 5 for _ in range(2))
        for _ in range(draw.randrange(30))
    ]
    known = [point for point in points if not any(map(math.isnan, point))]
    by_force = {
        place
        for place, point in enumerate(points)
        if point in known and not any(dominated(point, other) for other in known)
    }
    found = front(points)
    assert set(found) == by_force
    assert [points[place][0] for place in found] == sorted(points[place][0] for place in found)


def test_the_smaller_of_two_equal_errors_is_on_the_front():
    assert front([(0.5, 0.1), (0.25, 0.1), (0.125, 0.3), (0.2, 0.3)]) == (2, 1)
    assert front([]) == ()
