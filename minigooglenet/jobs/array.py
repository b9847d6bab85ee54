"""Jobs for one element of an array of jobs, such as SLURM's: the same command runs in every element."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")


class Part(NamedTuple):
    """Element `number` of `count`, from 1."""

    number: int
    count: int

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return the items of this element: every `count`-th one.

        Examples
        --------
        >>> from minigooglenet.jobs import Part
        >>> [Part(number, 3).of("abcdefgh") for number in (1, 2, 3)]
        [['a', 'd', 'g'], ['b', 'e', 'h'], ['c', 'f']]
        """
        return list(items[self.number - 1 :: self.count])


def part(text: str) -> Part:
    """Return the Part for a text such as "3/8".

    Raises
    ------
    ValueError
        If the text has another form, or its number is not in 1 ... count.

    Examples
    --------
    >>> from minigooglenet import jobs
    >>> jobs.part("3/8")
    Part(number=3, count=8)
    """
    number, slash, count = text.partition("/")
    if not slash or not all(word.isascii() and word.isdigit() for word in (number, count)):
        raise ValueError(f"must be i/n, such as 3/8, got {text!r}")
    result = Part(int(number), int(count))
    if not 1 <= result.number <= result.count:
        advice = (
            f" A SLURM array counts from 1 with --array=1-{result.count}." if result.number == 0 < result.count else ""
        )
        raise ValueError(f"must be i/n with i from 1 to n, got {text!r}.{advice}")
    return result
