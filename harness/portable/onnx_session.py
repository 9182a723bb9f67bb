"""Scores of an ONNX file by onnxruntime, one thread, so that bits do not depend on the cores."""

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.image_split import Images
from harness.errors import DataError, MachineError
from harness.portable.onnx_file import INPUT, INSTALL, MISSING

AT_ONCE = 32


def one_thread() -> Any:
    """Return the options of a session that computes on one thread and is silent below errors."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


class OnnxSession:
    """One ONNX file, loaded. Raises `MachineError` without onnxruntime, `DataError` for a file that it cannot run."""

    def __init__(self, content: bytes) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise MachineError(f"{MISSING} ({error})", fix=INSTALL) from error
        options = one_thread()
        try:
            self._session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no base of their own
            raise DataError(f"onnxruntime cannot load the network: {error}", fix="export it again") from error

    def scores(self, images: Images) -> npt.NDArray[np.float32]:
        """Return the float32 scores (N,) of uint8 images (N, 3, S, S)."""
        batches = (images[start : start + AT_ONCE].numpy() for start in range(0, len(images), AT_ONCE))
        return np.concatenate([self._session.run(None, {INPUT: batch})[0] for batch in batches])
