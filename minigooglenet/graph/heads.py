"""Which outputs of a graph are classifiers: the main one and its auxiliary heads."""


def trained_outputs(graph) -> list[str]:
    """Return the wires that training gives a loss, the main one last: an output that a node reads is not a head.

    Raises
    ------
    ValueError
        If an output that would be an auxiliary head has another shape than the main output.
    """
    ends = set(graph.default_outputs)
    heads = [wire for wire in graph.outputs if wire in ends and wire != graph.main]
    for wire in heads:
        if graph.shapes[wire] != graph.shapes[graph.main]:
            raise ValueError(
                f"output {wire!r} has the shape {graph.shapes[wire]}, the main output {graph.main!r} "
                f"{graph.shapes[graph.main]}; an auxiliary head has one value for each class too. "
                f"Try g.outputs = [{graph.main!r}]."
            )
    return [*heads, graph.main]
