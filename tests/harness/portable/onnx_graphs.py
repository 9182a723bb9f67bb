"""Small ONNX graphs that are written by hand, so that what they cost can be counted by hand too."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper, shape_inference


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def graph(nodes, inputs, outputs, constants, opset=18, kind=TensorProto.FLOAT):
    """Return the bytes of a model; ``inputs`` and ``outputs`` give shapes by name, None where they are free."""
    told = [
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in every.items()]
        for every in (inputs, outputs)
    ]
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "by hand", *told, held), opset_imports=[helper.make_opsetid("", opset)], ir_version=9
    )
    return shape_inference.infer_shapes(model).SerializeToString()  # an output without a shape is no ONNX


def floats(*shape, zeros=0):
    """Return ones of which the first few are zero."""
    found = np.ones(shape, dtype=np.float32)
    found.ravel()[:zeros] = 0
    return found
