"""What a network was made by, so that a file of its weights can say how to make it again."""

import functools
import inspect

NOT_KEPT = ("rng",)  # it decided the first weights, which the weights of now replace


def recorded(build):
    """Return `build` so that its graph tells how it was made: graph.made_by = (name, {argument: value})."""
    signature = inspect.signature(build)

    @functools.wraps(build)
    def made(*args, **kwargs):
        graph = build(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {name: value for name, value in bound.arguments.items() if name not in NOT_KEPT}
        graph.made_by = build.__name__, arguments
        return graph

    return made
