"""A trained network for other classes: everything is kept but the classifiers, which start anew."""

from minigooglenet.models.catalogue import build


def with_classes(graph, num_classes, *, rng=None):
    """Return (a network for `num_classes` classes with this one's parameters, names of what starts anew).

    Fine-tuning starts with it. Only the last linear layer of each head depends on the number of classes.

    Parameters
    ----------
    graph : Graph that a function of `models` made, and that nobody changed since
    rng : Generator, int or None, for the new classifiers and the dropout

    Raises
    ------
    ValueError
        If the graph does not know how to be made again.
    """
    if graph.made_by is None:
        raise ValueError(
            "only a network as a function of mg.models made it can be made again for other classes; "
            "this graph was put together by hand, so give it a new Linear by hand too"
        )
    name, arguments = graph.made_by
    other = build(name, **{**arguments, "num_classes": num_classes, "rng": rng})
    new = []
    for theirs, ours in ((other.params, graph.params), (other.buffers, graph.buffers)):
        for key, array in theirs.items():
            if ours[key].shape == array.shape and key.rpartition("/")[0] not in other.outputs:
                theirs[key] = ours[key].copy()
            else:
                new.append(key)
    other.outputs = graph.assigned_outputs
    return other, new
