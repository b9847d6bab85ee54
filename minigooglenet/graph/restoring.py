"""Restore buffers if a training forward pass or step fails halfway."""


class restored_on_error:  # noqa: N801 (used as a function, as contextlib's are)
    """Restore the buffers of the layers in {name: (layer, wires)} if the block raises.

    Batch norm updates its running statistics node by node. If a later node or the loss then rejects the batch, the
    rejected call must not have changed anything.
    """

    def __init__(self, nodes):
        self.layers = [layer for layer, _ in nodes.values() if getattr(layer, "buffers", None)]

    def __enter__(self):
        self.before = [{name: value.copy() for name, value in layer.buffers.items()} for layer in self.layers]

    def __exit__(self, kind, error, traceback):
        if kind is not None:
            for layer, buffers in zip(self.layers, self.before, strict=True):
                layer.buffers.update(buffers)
        return False
