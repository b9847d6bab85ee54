"""Export to ONNX, the format that other engines and viewers read, and import from it."""

from minigooglenet.weights.onnx.own_layers import register
from minigooglenet.weights.onnx.reading import Imported, import_graph
from minigooglenet.weights.onnx.writing import export, model

__all__ = ["Imported", "export", "import_graph", "model", "register"]
