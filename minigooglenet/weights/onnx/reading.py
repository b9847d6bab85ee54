"""Import of a network from an ONNX file: its nodes as layers, or a list of the nodes that no layer supports.

Operators without a layer are reported first. Then the nodes are read in their order: constants are folded (`folding`),
and all other nodes become layers of a `draft`, in which idioms are recognised (`idioms`). The draft builds the graph.

Only the file itself is read, and its declared sizes are checked before any memory is allocated.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import NamedTuple

from minigooglenet.data.pixels import Pixels
from minigooglenet.graph import Graph
from minigooglenet.typing import PathLike
from minigooglenet.weights import contents
from minigooglenet.weights.contents import WeightsError
from minigooglenet.weights.onnx import arithmetic, layouts, messages, metadata, reshaping
from minigooglenet.weights.onnx.draft import Draft, Step, UnknownShape, View, most_bytes, short
from minigooglenet.weights.onnx.folding import FOLDED, fold
from minigooglenet.weights.onnx.node import Node
from minigooglenet.weights.onnx.operators import OPERATORS
from minigooglenet.weights.onnx.replacements import advice

MOST_LINES = 20  # of the list of unsupported nodes
COLOURS = (1, 3, 4)  # channels of an image
MOST_BEFORE = 20  # nodes between an input and its transpose to (C, H, W)


class Imported(NamedTuple):
    """A network from an ONNX file, with its metadata: how images become inputs, and the classes of its main output.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=2, width=0.25)
    >>> mg.weights.onnx.Imported(g, None, ("cat", "dog")).classes
    ('cat', 'dog')
    """

    graph: Graph
    pixels: Pixels | None
    classes: tuple[str, ...] | None


def import_graph(path: PathLike) -> Imported:
    """Return the network in an ONNX file, if this package has layers for all its operators.

    Opsets 7 to 28 are supported; `docs/onnx.md` lists the operators. Nodes that are constant are folded, and idioms of
    several nodes become one layer. A node gets the name of the tensor that it writes; in files of other programs, a
    leading slash is removed. Only the nodes that the outputs of the file need are built.

    The outputs of the graph are those of the file, in its order, and `graph(x)` returns the first one. A file of this
    package restores the outputs of the exported graph.

    Raises
    ------
    WeightsError
        If the file is corrupt, or no layer supports some nodes: the message lists them with their counts. Operators
        without a layer come before anything else, with what could replace them.

    Examples
    --------
    >>> import os, tempfile
    >>> import minigooglenet as mg
    >>> g = mg.models.mini_googlenet(num_classes=2, width=0.25)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mg.weights.onnx.export(g, os.path.join(folder, "net.onnx"), classes=("cat", "dog"))
    ...     imported = mg.weights.onnx.import_graph(os.path.join(folder, "net.onnx"))
    >>> imported.classes, list(imported.graph.nodes) == list(g.nodes)
    (('cat', 'dog'), True)
    """
    with contents.open_file(path) as file:
        message, opset, properties, producer, source = messages.parse(path, file)
        reader = _Reader(source, message, opset, own=producer == metadata.PRODUCER)
        if reader.problems:
            raise WeightsError(f"cannot read {path} as weights: {_listed(reader.problems)}")
        graph = reader.draft.graph(metadata.outputs_by_default(properties, producer))
        made_by, pixels, classes = metadata.unpack(properties, graph)
    graph.made_by = made_by
    return Imported(graph, pixels, classes)


class _Reader:
    """The walk over the nodes of an ONNX graph: constants are folded, all other nodes become layers of a draft."""

    def __init__(self, source, message, opset, own):
        self.opset, self.nodes = opset, _needed(message)
        outputs = [output.name for output in message.output]
        self.first_reader = {name: node for node in reversed(self.nodes) for name in node.input}
        self.moved = {name for node in self.nodes if node.op_type not in reshaping.OPERATORS for name in node.input}
        readers = Counter(name for node in self.nodes for name in node.input)
        readers.update(outputs)
        self.problems: dict[tuple[str, str], list[str]] = {}  # {(operator, reason): names of nodes}
        self.draft = Draft(readers, outputs, source, own, most_bytes(contents.size_of(source.file)))
        self.draft.values.update((tensor.name, tensor) for tensor in message.initializer)
        # Files before IR version 4 list their arrays among the inputs, too.
        inputs = [v for v in message.input if readers[v.name] and v.name not in self.draft.values]
        self._report_missing({value.name for value in inputs})
        if self.problems:
            return
        for value in inputs:
            self._add_input(value)
        for node in self.nodes:
            self._read(node)
        for output in outputs:
            if not isinstance(self.draft.values[output], View | None):
                raise ValueError(f"its output {short(output)!r} is constant")

    def _report_missing(self, computed):
        """Record the operators that neither a layer nor folding supports, before any array is read."""
        for message in self.nodes:
            operator = _operator(message)
            if operator == "Constant" or (message.input and computed.isdisjoint(message.input)):
                if operator not in FOLDED and operator not in OPERATORS:
                    self._record(message, "its inputs are constant, but it is not one of the operators that are folded")
                continue
            if operator not in OPERATORS:
                self._record(message, f"no layer supports this operator. {advice(operator)}")
            if operator != "Shape":  # the batch size is a constant, too
                computed.update(filter(None, message.output))

    def _add_input(self, value):
        batch, shape = messages.shape(value, short(value.name))
        draft = self.draft
        if None not in (batch, draft.batch) and batch != draft.batch:
            raise ValueError(f"its inputs have different batch sizes, {draft.batch} and {batch}")
        draft.batch = batch or draft.batch
        last = len(shape) == 3 and shape[2] in COLOURS and self._is_channels_last(value.name)
        step = Step(value.name, (shape[2], *shape[:2]) if last else shape)
        layout = layouts.of(step.shape)
        draft.inputs.append(step)
        draft.values[value.name] = View(
            step, layouts.transpose(layout, (1, 2, 0)) if last else layout, draft.readers[value.name] == 1
        )

    def _is_channels_last(self, tensor):
        """Return whether the values of an input are transposed from (H, W, C) to (C, H, W) before anything else."""
        for _ in range(MOST_BEFORE):
            message = self.first_reader.get(tensor)
            if message is None or self.draft.readers[tensor] > 1:
                return False
            if message.op_type == "Transpose":
                return [0, 3, 1, 2] in (list(attribute.ints) for attribute in message.attribute)
            if message.op_type not in (*arithmetic.OPERATORS, "Identity", "Cast"):
                return False
            tensor = message.output[0]
        return False

    def _read(self, message):
        """Add the layers and values of one node, or record the problem."""
        values, operator = self.draft.values, _operator(message)
        written, *further = message.output
        if not written:
            raise ValueError(f"{short(operator)} (node {short(message.name)!r}): its first output is missing")
        unknown = [name for name in message.input if name and name not in values]
        if unknown:
            raise ValueError(
                f"node {short(message.name or written)!r} reads {short(unknown[0])!r}, which no earlier node writes"
            )
        values.update(dict.fromkeys(filter(None, message.output)))  # unknown until the layer exists
        try:
            read = [name for name in further if name and self.draft.readers[name]]
            found = self._value(message, operator)
            if not isinstance(found, list):
                if read:
                    count = list(message.output).index(read[0]) + 1
                    raise ValueError(
                        f"its output {count}, {short(read[0])!r}, is also used, but a layer has one output"
                    )
                found = [found]
            values.update((name, value) for name, value in zip(message.output, found, strict=False) if name)
            for name in message.output:
                self._move(name, operator)
        except UnknownShape:
            pass  # the problem of an earlier node is already recorded
        except WeightsError:
            raise
        except (ValueError, TypeError) as error:
            self._record(message, str(error))
        self.draft.release(message.input)

    def _value(self, message, operator):
        """Return the value of a node, or a list of one for each output."""
        computed = any(isinstance(self.draft.values[name], View | None) for name in message.input if name)
        constant = operator in FOLDED and not computed and (operator == "Constant" or len(message.input) > 0)
        function, known = FOLDED[operator] if constant else OPERATORS[operator]
        attributes = messages.attributes(message)
        for unknown in attributes.keys() - known:
            raise ValueError(f"attribute {unknown} is unknown")
        node = Node(self.draft, message.input, message.output, attributes, self.opset)
        value = fold(node, operator) if constant else function(node)
        node.check_all_used()
        return value

    def _move(self, tensor, operator):
        """Add the layer for a reshaped tensor at once if another node than a reshape reads it."""
        view = self.draft.values.get(tensor)
        if not isinstance(view, View) or view.plain:
            return
        if tensor in self.draft.returned:
            self.draft.wire(tensor)
        elif operator in reshaping.OPERATORS and tensor in self.moved:
            with contextlib.suppress(ValueError):  # its reader may take it as it is
                self.draft.wire(tensor)

    def _record(self, message, reason):
        self.problems.setdefault((_operator(message), reason), []).append(
            message.name or next(iter(message.output), "")
        )


def _operator(message):
    return message.op_type if message.domain in messages.DOMAINS else f"{message.domain}.{message.op_type}"


def _needed(message):
    """Return the nodes that the outputs of an ONNX graph need, in order; no tensor may be written twice."""
    writers = {}
    provided = {value.name for values in (message.input, message.initializer) for value in values}
    for index, node in enumerate(message.node):
        if len(node.input) > messages.MOST_INPUTS:
            raise ValueError(
                f"node {short(node.name)!r} has {len(node.input):,} inputs, more than {messages.MOST_INPUTS:,}"
            )
        if len(node.output) > messages.MOST_INPUTS:
            raise ValueError(
                f"node {short(node.name)!r} has {len(node.output):,} outputs, more than {messages.MOST_INPUTS:,}"
            )
        for name in filter(None, node.output):
            if name in writers or name in provided:
                raise ValueError(f"{short(name)!r} is written twice")
            writers[name] = index
    missing = [output.name for output in message.output if output.name not in writers]
    if missing or not message.output:
        raise ValueError(f"no node writes its output{f' {short(missing[0])!r}' if missing else ''}")
    needed, waiting = set(), [output.name for output in message.output]
    while waiting:
        writer = writers.get(waiting.pop())
        if writer is not None and writer not in needed:
            needed.add(writer)
            waiting.extend(message.node[writer].input)
    return [message.node[index] for index in sorted(needed)]


def _listed(problems):
    lines = []
    for (operator, reason), names in problems.items():
        where = f"1 node, {short(names[0])!r}" if len(names) == 1 else f"{len(names)} nodes, first {short(names[0])!r}"
        lines.append(f"{short(operator)} ({where}): {reason[:300]}")
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES} more"]
    count = sum(map(len, problems.values()))
    return "\n  ".join([f"no layer supports {count} of its nodes", *lines])
