"""One row of a count: what a node is and what it costs, in exact integers for one image."""

from dataclasses import dataclass, field

from minigooglenet.counting.costs import Term

Shape = tuple[int, ...]

# The operations beside multiply-adds, and the backward's: column of a row -> kind of a Term.
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
    """What one node costs for one image.

    Attributes
    ----------
    name, kind : the node's name and its layer's class
    input_shapes, output_shape : without the batch axis
    params, weights, biases : trained numbers; params = weights + biases
    macs : multiply-adds of convolutions and linear layers, bias not among them
    adds, multiplies, compares, divides, powers : other operations of the forward
    grad_input_macs, grad_weight_macs : multiply-adds of the backward
    activations : numbers in the output
    tape_bytes : what a training forward of a batch of one keeps in float32, a shared array counted at its first node
    receptive_field_min, receptive_field_max : (h, w) input pixels that one output sees on its smallest, largest path
    stride : (h, w) input pixels between two neighbouring outputs
    terms : the products behind the operations
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
    stride: tuple[int, int]
    terms: tuple[Term, ...] = field(repr=False)
    settings: dict = field(repr=False)

    @property
    def flops(self) -> int:
        """Two for every multiply-add."""
        return 2 * self.macs

    @property
    def module(self) -> str:
        """The part of the name before the first slash: inception_3a of inception_3a/3x3."""
        return self.name.split("/")[0]

    def __repr__(self):
        return f"Row({self.name!r}, {self.kind}, {self.params:,} params, {self.macs:,} MAC)"

    def as_dict(self) -> dict:
        """Return the row as plain numbers, strings and lists, for files."""
        shapes = {
            "input_shapes": [list(shape) for shape in self.input_shapes],
            "output_shape": list(self.output_shape),
            "receptive_field_min": list(self.receptive_field_min),
            "receptive_field_max": list(self.receptive_field_max),
            "stride": list(self.stride),
        }
        return {
            "name": self.name,
            "kind": self.kind,
            **{c: getattr(self, c) for c in SUMMED},
            "flops": self.flops,
            **shapes,
        }
