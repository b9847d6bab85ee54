"""Shards: the parts of a batch whose gradients are computed separately and then added.

The number of shards belongs to the settings of a run and determines its bits; the number of workers does not. Each of P
workers computes S / P neighbouring shards.
"""

from minigooglenet.distributed.tree import Span, spans
from minigooglenet.training.settings import SHARDS, Settings, equal_parts


def of_settings(settings: Settings, workers: int) -> int:
    """Return the number of shards; raise a ValueError if it is missing, or if the workers do not divide it."""
    if settings.shards is None:
        raise ValueError(f"settings.shards is missing: the number of parts of a batch, such as {SHARDS}")
    equal_parts(settings.shards, f"{settings.shards} shards", workers, "workers")
    return settings.shards


def parts(count: int, shards: int) -> list[tuple[int, int]]:
    """Return (start, stop) of each shard of a batch of `count` images. In a short last batch, some may be empty.

    Examples
    --------
    >>> from minigooglenet.distributed import parts
    >>> parts(32, 4)
    [(0, 8), (8, 16), (16, 24), (24, 32)]
    >>> parts(6, 4)
    [(0, 1), (1, 3), (3, 4), (4, 6)]
    """
    return [(count * index // shards, count * (index + 1) // shards) for index in range(shards)]


def of_rank(shards: int, rank: int, size: int) -> range:
    """Return the shards that one of `size` workers computes."""
    return range(shards * rank // size, shards * (rank + 1) // size)


def sent(shards: int, size: int) -> list[list[Span]]:
    """Return the spans of shards that each of `size` workers sends."""
    own = [of_rank(shards, rank, size) for rank in range(size)]
    return [spans(shards, part.start, part.stop) for part in own]


def most_workers(shards: int, limit: int) -> int:
    """Return the largest number of workers up to `limit` that divides the shards.

    Examples
    --------
    >>> from minigooglenet.distributed import shards
    >>> shards.most_workers(8, 3)
    2
    """
    return max(count for count in range(1, max(1, min(limit, shards)) + 1) if shards % count == 0)
