import pytest

from harness.errors import UsageError
from harness.planning.cell_limit import CellLimit, read_cell_limit


@pytest.mark.parametrize(
    ("text", "seconds", "memory"),
    [
        ("90s", 90, None),
        ("2h", 7200, None),
        ("1.5d", 129600, None),
        (" 30m , 8GB ", 1800, 8 * 10**9),
        ("1d,512MB", 86400, 512 * 10**6),
    ],
)
def test_a_limit_is_read_and_written_as_it_may_be_read_again(text, seconds, memory):
    limit = read_cell_limit(text)
    assert limit == CellLimit(seconds, memory)
    assert read_cell_limit(str(limit)) == limit


TIMES = ["", "2", "h", "2 weeks", "-1h", "0h", "0.0h", "1e3s", "inf h", "nanh", "٢h", "9999999999h"]
MEMORIES = ["2h,", "2h,8", "8GB", "2h,8gb", "2h,0GB", "2h,8GB,1"]


@pytest.mark.parametrize(
    "text",
    [*TIMES, *MEMORIES],
)
def test_what_is_no_limit_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="2h or 30m,8GB"):
        read_cell_limit(text)
