import faulthandler
import os
import signal

import pytest
import torch

from harness.running.read_only import read_only

WRITES = {
    "in place": lambda tensor: tensor.fill_(1),
    "by data": lambda tensor: tensor.data.view(-1)[-1:].fill_(1),
    "as an array": lambda tensor: tensor.numpy().__setitem__(0, 1),
    "detached": lambda tensor: tensor.detach().add_(1),
}


@pytest.mark.parametrize("shape", [(3,), (5, 3, 40, 40)])
def test_a_copy_has_the_values_and_can_be_worked_on(shape):
    tensor = torch.randint(0, 255, shape, dtype=torch.uint8)
    copied = read_only(tensor)
    assert torch.equal(copied, tensor)
    assert torch.equal(copied.float().mul_(2), tensor.float() * 2)
    assert torch.equal(copied[[0, 2]], tensor[[0, 2]])
    tensor.fill_(7)
    assert not torch.equal(copied, tensor)


@pytest.mark.parametrize("write", WRITES)
def test_a_write_ends_its_process_and_changes_nothing(write):
    copied = read_only(torch.zeros(5000, dtype=torch.uint8))
    child = os.fork()
    if child == 0:
        faulthandler.disable()  # pytest's
        WRITES[write](copied)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGSEGV
    assert not copied.any()
