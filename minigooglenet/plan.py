"""A graph prepared for inference.

A plan holds the network as it is at this moment: later changes of the graph's parameters do not reach it.
"""

import copy

from minigooglenet.graph import Graph


class Plan:
    """What `plan` returns: call it with x (N, C, H, W), or with {input: array}."""

    def __init__(self, graph, outputs=None):
        if not isinstance(graph, Graph):
            raise TypeError(f"plan takes a graph, got {type(graph).__name__}")
        if not graph.nodes:
            raise ValueError("the graph has no nodes yet")
        outputs = graph.outputs[-1:] if outputs is None else (outputs,) if isinstance(outputs, str) else tuple(outputs)
        self.steps = graph.schedule(outputs)
        self.outputs = outputs
        self.graph = copy.deepcopy(graph)

    def __call__(self, x):
        """Return the array of the one output, or {wire: array} for several."""
        inputs = x if isinstance(x, dict) else {next(iter(self.graph.inputs)): x}
        values = self.graph.infer(inputs, self.outputs)
        return values[self.outputs[0]] if len(self.outputs) == 1 else values

    def __repr__(self):
        return f"Plan({self.graph!r}, outputs={list(self.outputs)})"

    def __str__(self):
        running = {name for name, _ in self.steps}
        left_out = [name for name in self.graph.nodes if name not in running]
        lines = [f"plan for {', '.join(self.outputs)}: {len(running)} of {len(self.graph.nodes)} nodes"]
        if left_out:
            lines.append(f"left out, because no output needs them: {', '.join(left_out)}")
        lines += [f"  {name}{'  then free: ' + ', '.join(free) if free else ''}" for name, free in self.steps]
        return "\n".join(lines)


def plan(graph, outputs=None):
    """Prepare a graph for inference with its parameters as they are now.

    Parameters
    ----------
    graph : Graph
    outputs : wire or wires to return; the main output unless given

    Returns
    -------
    Plan
        `plan(x)` returns what `graph(x)` does; `print(plan)` tells what runs, in what order, and when memory is freed.
    """
    return Plan(graph, outputs)
