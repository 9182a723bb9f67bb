"""How float32 products and convolutions are computed while a step is taken."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from harness.training.schedule import Schedule


def products_of(schedule: Schedule, device: torch.device) -> AbstractContextManager[None]:
    """Return a context in which float32 is multiplied as the schedule says: on a CUDA device in TF32, or as it is.

    TF32 keeps 10 bits of each factor's 23 and adds up in float32. All else stays float32: what augmentation computes,
    and every score.
    """
    return _tf32() if schedule.precision == "tf32" and device.type == "cuda" else nullcontext()


@contextmanager
def _tf32() -> Iterator[None]:
    """Allow TF32 in the older of torch's two ways, as `fix_kernels` forbids it: torch refuses both in one process."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    try:
        products.allow_tf32 = convolutions.allow_tf32 = True
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before
