"""Models as graphs of tensors, for ONNX: padded inputs, masks, and no branch on data."""
