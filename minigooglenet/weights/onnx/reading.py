"""A network out of an ONNX file: its nodes as layers of this engine, or a list of what they lack.

Nothing but the file itself is read, and what it declares is checked before it is believed.
"""

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from minigooglenet import layers
from minigooglenet.data.pixels import Pixels
from minigooglenet.graph import Graph
from minigooglenet.weights import contents
from minigooglenet.weights.contents import WeightsError, cannot_read
from minigooglenet.weights.onnx import messages, metadata
from minigooglenet.weights.onnx.node import Node, UnknownShape, Wire
from minigooglenet.weights.onnx.operators import OPERATORS

MOST_LINES = 20  # of the list of what is missing


class Imported(NamedTuple):
    """A network, and what its file says of it: how images become inputs, and the classes of its main output."""

    graph: Graph
    pixels: Pixels | None
    classes: tuple[str, ...] | None


def import_graph(path) -> Imported:
    """Return the network of an ONNX file, for networks made of what this engine has.

    These are Conv, MaxPool, AveragePool, GlobalAveragePool, ReduceMean over maps, LRN, BatchNormalization, Relu,
    Dropout, Gemm, MatMul with a constant and a bias added to it, Flatten, Reshape and Squeeze that flatten, Softmax,
    Concat along the channels, Add, Sum, Identity and Constant, of opsets 7 to 28. A node is called after the tensor
    that it writes, in files of other programs without a slash in front. Only what the file's outputs need is made.

    The graph's outputs are those of the file in its order, and the first is what `graph(x)` returns. In a file of this
    package they are what they were in the graph that was exported.

    Raises
    ------
    WeightsError
        If the file is damaged, or says what no layer does; then with all that is missing, how often and where first.
    """
    with contents.open_file(path) as file:
        message, opset, properties, producer, source = messages.parse(path, file)
        reader = _Reader(source, message, opset, exact_names=producer == metadata.PRODUCER)
        if reader.problems:
            raise WeightsError(f"cannot read {path} as weights: {_listed(reader.problems)}")
        graph = reader.graph(metadata.outputs_by_default(properties, producer))
        made_by, pixels, classes = metadata.unpack(properties, graph)
    graph.made_by = made_by
    return Imported(graph, pixels, classes)


class _Reader:
    """The nodes of an ONNX graph, one after the other, as steps {wire: (layer, wires)}."""

    def __init__(self, source, message, opset, exact_names):
        self.source, self.opset, self.exact_names, self.batch = source, opset, exact_names, None
        self.constants = {tensor.name: tensor for tensor in message.initializer}
        self.nodes = _needed(message)
        self.readers = Counter(name for node in self.nodes for name in node.input)
        self.outputs = [output.name for output in message.output]
        self.readers.update(self.outputs)
        self.reserved = {self._plain(output): output for output in reversed(self.outputs)}
        self.wires, self.inputs, self.steps, self.bytes = {}, {}, {}, 0
        self.tensors = {}  # wire -> the tensor that it is called after
        self.problems = {}  # (operator, reason) -> names of nodes
        for value in message.input:
            if value.name in self.readers and value.name not in self.constants:  # old files list their arrays too
                batch, shape = messages.shape(value, _short(value.name))
                if None not in (batch, self.batch) and batch != self.batch:
                    raise ValueError(f"its inputs are batches of {self.batch} and of {batch} images, not of one size")
                self.batch = batch or self.batch
                name = self._new_name(value.name)
                self.wires[value.name] = Wire(name, shape)
                self.inputs[name] = shape
        for node in self.nodes:
            self._read(node)

    def graph(self, by_default=False) -> Graph:
        """Return the network, once every output is known to be computed; its outputs are assigned, or else the default.

        by_default : leave them unassigned if they are the wires without consumers
        """
        for name in self.outputs:
            if name in self.constants:
                raise ValueError(f"its output {_short(name)!r} is constant")
        outputs = self._name_outputs()
        graph = Graph(**self.inputs)
        for name, (layer, wires) in self.steps.items():
            graph.add(name, layer, *wires)
        if not by_default or graph.outputs != outputs:
            graph.outputs = outputs
        return graph

    def _name_outputs(self):
        """Return the wires of the outputs, each called as in the file, even where a node only passes its input on."""
        outputs, renamed, copies = [], {}, {}
        for output in self.outputs:
            name = wire = self.wires[output].name
            if self.tensors[wire] != output:
                name = self._new_name(output)
                if wire in self.inputs or wire in renamed or self.tensors[wire] in self.outputs:
                    copies[name] = layers.Concat(), [wire]  # one wire, two names
                else:
                    renamed[wire] = name
            outputs.append(name)
        self.steps = {
            renamed.get(name, name): (layer, [renamed.get(wire, wire) for wire in wires])
            for name, (layer, wires) in (self.steps | copies).items()
        }
        return tuple(outputs)

    def _read(self, message):
        """Make one node's layer and wire, or note why not and go on."""
        operator = message.op_type if message.domain in messages.DOMAINS else f"{message.domain}.{message.op_type}"
        written, *further = message.output
        if not written:
            raise ValueError(f"{_short(operator)} (node {_short(message.name)!r}): its first output is left out")
        known = [name in self.wires or name in self.constants or not name for name in message.input]
        if not all(known):
            wanted = message.input[known.index(False)]
            raise ValueError(
                f"node {_short(message.name or written)!r} reads {_short(wanted)!r}, which nothing before it writes"
            )
        self.wires[written] = Wire(written, None)  # until the layer is there
        self.wires.update((name, Wire(name, None)) for name in further)
        try:
            if operator not in OPERATORS and operator != "Constant":
                raise ValueError("there is no layer for it")
            read = [name for name in further if name and self.readers[name]]
            if read:
                count = list(message.output).index(read[0]) + 1
                raise ValueError(f"its output {count}, {_short(read[0])!r}, is needed too, and a layer has one output")
            if operator == "Constant":
                self.constants[written] = _constant(messages.attributes(message))
            elif operator == "Identity" and len(message.input) == 1 and message.input[0] in self.constants:
                self.constants[written] = self.constants[message.input[0]]
            else:
                self._make(written, *OPERATORS[operator], message)
        except UnknownShape:
            pass  # what is missing before it has been noted
        except WeightsError:
            raise
        except (ValueError, TypeError) as error:
            self.problems.setdefault((operator, str(error)), []).append(message.name or written)

    def _make(self, written, function, known, message):
        attributes = messages.attributes(message)
        for unknown in attributes.keys() - known:
            raise ValueError(f"attribute {unknown} is unknown")
        values = [self._value(name) for name in message.input]
        node = Node(values, attributes, self.opset, self.batch, len(message.output))
        layer = function(node)
        node.check_all_used()
        read = node.wires
        if layer is None and len(read) == 1:
            self._pass_on(written, read[0])
            return
        taken = 1 if layer is None else layer.inputs_taken
        if not read or taken not in (None, len(read)):
            raise ValueError(f"it reads {len(read)} computed values, not {taken or 'one or more'}")
        if any(wire.shape is None for wire in read):
            raise UnknownShape
        shape = layer.output_shape(*(wire.shape for wire in read))
        if math.prod(shape) * 4 > contents.MOST_BYTES:
            raise ValueError(f"its output has the shape {shape}, more than {contents.MOST_BYTES:,} bytes")
        name = self._new_name(written)
        self.steps[name] = layer, [wire.name for wire in read]
        self.wires[written] = Wire(name, shape, layer, self.readers[written] == 1)

    def _pass_on(self, written, wire):
        """Let `written` be the same wire, which takes that name where nothing else knows it by another."""
        name = wire.name
        if wire.alone:
            name = self._new_name(written)
            self.steps[name] = self.steps.pop(wire.name)
        self.wires[written] = wire._replace(name=name, alone=wire.alone and self.readers[written] == 1)

    def _value(self, name):
        """Return what a node reads under that name: a Wire, an array, or None for nothing."""
        if not name:
            return None
        if name in self.constants:
            value = self.constants[name]  # others may read it too, and layers are trained apart: each gets its own
            value = value.copy() if isinstance(value, np.ndarray) else messages.array(value, _short(name), self.source)
            self.bytes += value.nbytes
            if self.bytes > contents.MOST_BYTES:
                raise cannot_read(self.source.path, f"its nodes read more than {contents.MOST_BYTES:,} bytes of arrays")
            return value
        return self.wires[name]

    def _new_name(self, tensor):
        name = self._plain(tensor)
        # An output has its name even if another tensor "/name" comes before it.
        while name in self.steps or name in self.inputs or self.reserved.get(name, tensor) != tensor:
            name += "_"
        self.tensors[name] = tensor
        return name

    def _plain(self, tensor):
        return tensor if self.exact_names else tensor.lstrip("/") or tensor


def _needed(message):
    """Return the nodes that the outputs of an ONNX graph need, in order, once no value is written twice."""
    writers = {}
    given = {value.name for values in (message.input, message.initializer) for value in values}
    for index, node in enumerate(message.node):
        if len(node.input) > messages.MOST_INPUTS:
            raise ValueError(
                f"node {_short(node.name)!r} reads {len(node.input):,} values, more than {messages.MOST_INPUTS:,}"
            )
        for name in filter(None, node.output):
            if name in writers or name in given:
                raise ValueError(f"{_short(name)!r} is written twice")
            writers[name] = index
    missing = [output.name for output in message.output if output.name not in writers]
    if missing or not message.output:
        raise ValueError(f"no node writes its output{f' {_short(missing[0])!r}' if missing else ''}")
    needed, waiting = set(), [output.name for output in message.output]
    while waiting:
        index = writers.get(waiting.pop())
        if index is not None and index not in needed:
            needed.add(index)
            waiting.extend(message.node[index].input)
    return [message.node[index] for index in sorted(needed)]


def _constant(attributes):
    """Return what a Constant node holds: a tensor as it is, or numbers as an array."""
    if len(attributes) != 1:
        raise ValueError(f"it should have one attribute, got {len(attributes)}")
    ((name, value),) = attributes.items()
    if name == "value" and value is not None:
        return value
    if name in ("value_float", "value_floats"):
        return np.array(value, np.float32)
    if name in ("value_int", "value_ints"):
        return np.array(value, np.int64)
    raise ValueError(f"attribute {name} is unknown")


def _listed(problems):
    lines = []
    for (operator, reason), names in problems.items():
        where = (
            f"1 node, {_short(names[0])!r}" if len(names) == 1 else f"{len(names)} nodes, first {_short(names[0])!r}"
        )
        lines.append(f"{_short(operator)} ({where}): {reason[:300]}")
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES} more"]
    count = sum(map(len, problems.values()))
    return "\n  ".join([f"this engine has no layer that does what {count} of its nodes do", *lines])


def _short(name):
    return name[:60]
