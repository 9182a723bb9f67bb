"""What nothing else beats: the front of means of which a smaller error costs more, and less a larger error."""

import math
from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Return the places, in order of the first coordinate, of the points that no other point dominates.

    Less is better in both coordinates. A point dominates another where it is no worse in either and better in one;
    equal points are on the front together. A point with a coordinate that is no number takes no part.
    """
    known = [place for place, point in enumerate(points) if not any(map(math.isnan, point))]
    found: list[int] = []
    for place in sorted(known, key=lambda one: points[one]):
        if not found or points[place][1] < points[found[-1]][1] or points[place] == points[found[-1]]:
            found.append(place)
    return tuple(found)
