import pytest
import torch

from harness.running.process_state import deciding_state
from harness.running.worker import fix_kernels
from harness.training.precision import products_of
from harness.training.schedule import Schedule

PRODUCTS, CONVOLUTIONS = torch.backends.cuda.matmul, torch.backends.cudnn


def allowed():
    return PRODUCTS.allow_tf32, CONVOLUTIONS.allow_tf32


@pytest.fixture
def strict():
    """As in a worker's process."""
    before, threads = (*allowed(), CONVOLUTIONS.deterministic), torch.get_num_threads()
    fix_kernels()
    yield
    PRODUCTS.allow_tf32, CONVOLUTIONS.allow_tf32, CONVOLUTIONS.deterministic = before
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "tf32"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_tf32_is_allowed_where_it_is_asked_for_and_only_meanwhile(precision, device):
    before = deciding_state()
    with products_of(Schedule(precision=precision), torch.device(device)):
        assert allowed() == (2 * (precision == "tf32" and device == "cuda",))
    assert deciding_state() == before


@pytest.mark.usefixtures("strict")
def test_tf32_is_forbidden_again_after_a_failure():
    with pytest.raises(KeyboardInterrupt), products_of(Schedule(precision="tf32"), torch.device("cuda")):
        raise KeyboardInterrupt
    assert allowed() == (False, False)
