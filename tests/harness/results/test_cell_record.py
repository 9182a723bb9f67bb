import json

import pytest

from harness.results.cell_record import CellRecord, step_of


@pytest.mark.parametrize("layers", [{}, {"conv.weight": (5, 4, 10)}])
def test_a_record_comes_back_from_json_without_scores_and_mask(layers):
    metrics = {"size/flops": 1 / 3}
    told = {"density": 0.1, "status": "failed", "reason": "no reason", "metrics": metrics, "layers": layers}
    record = CellRecord(**told, test_scores=(1.0,), validation_scores=(2.0,), mask={"conv.weight": b"1"})
    written = json.loads(json.dumps(record.to_json()))
    assert set(written) == {name for name, value in told.items() if value}
    assert CellRecord.from_json(written) == CellRecord(**told)


def test_sparser_is_a_later_step():
    assert [step_of(density) for density in (1.0, 0.5, 1 / 3, 1e-6)] == [0, 500_000, 666_667, 999_999]
