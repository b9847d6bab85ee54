"""What a call that trains or evaluates must be given, checked before it changes or computes anything."""

import math
import numbers


def check_batches(g, count, batch_size, wires=None, frozen=()) -> None:
    """Raise a ValueError if the last batch of an epoch of `count` images gives a batch norm one value per channel."""
    last = count % batch_size or min(count, batch_size)
    if last > 1:
        return
    for name, _ in g.schedule(wires):
        layer, _ = g.nodes[name]
        if getattr(layer, "kind", "") == "BatchNorm2d" and math.prod(g.shapes[name][1:]) == 1 and name not in frozen:
            raise ValueError(
                f"node {name!r}: batch norm needs more than one value per channel to train, and {count} images in "
                f"batches of {batch_size} leave a batch of 1 image with 1 x 1 values. Try another batch_size."
            )


def check_number(value, name):
    """Return a setting as a finite float."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return float(value)
