"""A run, to be used elsewhere: networks for LiteRT or ONNX, and a model card."""
