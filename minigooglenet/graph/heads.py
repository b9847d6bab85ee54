"""Which outputs of a graph are classifiers: the main output and the auxiliary heads."""


def trained_outputs(graph) -> list[str]:
    """Return the wires that get a loss in training, the main output last. An output with consumers is not a head.

    Raises
    ------
    ValueError
        If the shape of an auxiliary head differs from that of the main output.
    """
    ends = set(graph.default_outputs)
    heads = [wire for wire in graph.outputs if wire in ends and wire != graph.main]
    for wire in heads:
        if graph.shapes[wire] != graph.shapes[graph.main]:
            raise ValueError(
                f"output {wire!r} has shape {graph.shapes[wire]}, but the main output {graph.main!r} has "
                f"{graph.shapes[graph.main]}. An auxiliary head must also have one value per class. "
                f"Try g.outputs = [{graph.main!r}]."
            )
    return [*heads, graph.main]
