"""One row of a count: a node's layer, shapes and costs, in exact integers for one image."""

import math
from dataclasses import dataclass, field
from typing import Any

from minigooglenet import console, renamed
from minigooglenet.counting import paths
from minigooglenet.counting.costs import Cost, Term
from minigooglenet.shapes import dilated
from minigooglenet.typing import Shape

# {column of a row: kind of a Term}
KIND_OF_COLUMN = {
    "macs": "mac",
    "adds": "add",
    "multiplies": "multiply",
    "compares": "compare",
    "divides": "divide",
    "powers": "power",
    "grad_input_macs": "grad_input_mac",
    "grad_weight_macs": "grad_weight_mac",
}
SUMMED = ("params", "weights", "biases", *KIND_OF_COLUMN, "activations", "tape_bytes")


@dataclass(frozen=True)
class Row:
    """The cost of one node for one image.

    Attributes
    ----------
    name, kind : the node's name and its layer's class
    input_shapes, output_shape : without the batch axis
    params, weights, biases : trained values; params = weights + biases
    macs : multiply-adds of convolutions and linear layers, without bias
    adds, multiplies, compares, divides, powers : other operations of the forward pass
    grad_input_macs, grad_weight_macs : multiply-adds of the backward pass
    activations : number of output values
    tape_bytes : what a training forward pass of one image saves in float32; a shared array counts at its first node
    receptive_field_min, receptive_field_max : (h, w) in input pixels, along the paths where it is smallest and largest
    jump : (h, w) input pixels between two neighbouring outputs
    terms : the products that give the operations
    settings : the layer's hyperparameters

    Examples
    --------
    >>> import minigooglenet as mg
    >>> row = mg.count(mg.layers.Conv2d(3, 64, 7, stride=2, padding=3), (3, 224, 224)).rows[0]
    >>> row
    Row('Conv2d', Conv2d, 9,472 params, 118,013,952 MAC)
    >>> row.receptive_field_max, row.jump
    ((7, 7), (2, 2))
    """

    name: str
    kind: str
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    params: int
    weights: int
    biases: int
    macs: int
    adds: int
    multiplies: int
    compares: int
    divides: int
    powers: int
    grad_input_macs: int
    grad_weight_macs: int
    activations: int
    tape_bytes: int
    receptive_field_min: tuple[int, int]
    receptive_field_max: tuple[int, int]
    jump: tuple[int, int]
    terms: tuple[Term, ...] = field(repr=False)
    settings: dict[str, Any] = field(repr=False)

    @property
    def stride(self) -> tuple[int, int]:
        """The old name of `jump`."""
        return renamed.attribute(self, "stride", "jump")

    @property
    def flops(self) -> int:
        """Two per multiply-add."""
        return 2 * self.macs

    @property
    def module(self) -> str:
        """The part of the name before the first slash: inception_3a of inception_3a/3x3."""
        return self.name.split("/")[0]

    def __repr__(self) -> str:
        return f"Row({self.name!r}, {self.kind}, {self.params:,} params, {self.macs:,} MAC)"

    def explain(self) -> str:
        """Return the calculation of the node's numbers, as text."""
        inputs = ", ".join(map(console.text, self.input_shapes))
        lines = [f"{self.name}: {self.kind}, {inputs} -> {console.text(self.output_shape)}"]
        lines += [f"  {term}" for term in self.terms]
        if self.params:
            lines.append(f"  {self.weights:,} weights + {self.biases:,} biases = {self.params:,} parameters")
        if self.kind == "Conv2d" and "dilation" in self.settings:
            kernel, dilation = self.settings["kernel_size"], self.settings["dilation"]
            parts = map(console.text, (kernel, dilation, dilated(kernel, dilation)))
            lines.append("  a {} kernel with dilation {} covers {} values".format(*parts))
        smallest, largest = map(console.text, (self.receptive_field_min, self.receptive_field_max))
        field = largest if smallest == largest else f"{smallest} to {largest}"
        lines.append(f"  receptive field {field} input pixels, jump {console.text(self.jump)}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return the row as numbers, strings and lists, for files; "stride" is the jump."""
        shapes = {
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "output_shape": list(self.output_shape),
            "receptive_field_min": list(self.receptive_field_min),
            "receptive_field_max": list(self.receptive_field_max),
            "stride": list(self.jump),
        }
        return {
            "name": self.name,
            "kind": self.kind,
            **{c: getattr(self, c) for c in SUMMED},
            "flops": self.flops,
            **shapes,
        }


def rows_of(graph: Any, layer_costs: dict[str, Cost]) -> tuple[Row, ...]:
    """Return the rows of the nodes of {node: Cost}, which are in the order of execution."""
    fields = paths.receptive_fields(graph, layer_costs)
    tape = paths.tape_bytes(graph, layer_costs)
    return tuple(_row(graph, name, tuple(cost.terms), fields[name], tape[name]) for name, cost in layer_costs.items())


def _row(graph, name, terms, field, tape_bytes) -> Row:
    layer, wires = graph.nodes[name]
    sizes = {key: int(value.size) for key, value in getattr(layer, "params", {}).items()}
    biases = sizes.get("bias", 0)
    return Row(
        name=name,
        kind=getattr(layer, "kind", type(layer).__name__),
        input_shapes=tuple(graph.shapes[wire] for wire in wires),
        output_shape=graph.shapes[name],
        params=sum(sizes.values()),
        weights=sum(sizes.values()) - biases,
        biases=biases,
        **{c: sum(term.count for term in terms if term.kind == kind) for c, kind in KIND_OF_COLUMN.items()},
        activations=math.prod(graph.shapes[name]),
        tape_bytes=tape_bytes,
        receptive_field_min=field.smallest,
        receptive_field_max=field.largest,
        jump=field.jump,
        terms=terms,
        settings=layer.settings() if hasattr(layer, "settings") else {},
    )
