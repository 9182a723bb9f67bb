"""Networks as files that go elsewhere: what a file says of itself, tensors stored small, ONNX, pt2, int8."""
