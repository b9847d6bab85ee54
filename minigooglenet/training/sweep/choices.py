"""The settings that a sweep tries: a grid of values, or values drawn at random. They are text, as on a command line."""

import itertools
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MOST_NAME = 80  # characters of the name of a job
TRIES = 100  # draws for each setting until they differ


class Choice(NamedTuple):
    """An option and its values, or the ends of the range from which its values are drawn."""

    option: str
    values: tuple[str, ...]
    ends: tuple[str, str] | None = None

    def drawn(self, rng: np.random.Generator) -> str:
        """Return a random value: of the list, or of the range, on a logarithmic scale if it begins above 0."""
        if self.ends is None:
            return self.values[rng.integers(len(self.values))]
        low, high = map(float, self.ends)
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if low > 0 else rng.uniform(low, high)
        if all(re.fullmatch(r"-?\d+", end) for end in self.ends):
            return str(round(value))
        return f"{value:.3g}"


def choice(option: str, text: str) -> Choice:
    """Return the Choice of an option: values that are separated by commas, or a range of numbers LOW:HIGH.

    Raises
    ------
    ValueError
        If a value is empty or occurs twice, or the range is empty.

    Examples
    --------
    >>> from minigooglenet.training.sweep.choices import choice
    >>> choice("lr", "0.01,0.05").values, choice("lr", "0.001:0.1").ends
    (('0.01', '0.05'), ('0.001', '0.1'))
    """
    ends = tuple(text.split(":"))
    if len(ends) == 2 and all(map(_is_number, ends)):
        low, high = ends
        if not float(low) < float(high):
            raise ValueError(f"{option}: the range {text} is empty, because {low} is not below {high}")
        return Choice(option, (), (low, high))
    values = tuple(value.strip() for value in text.split(","))
    if not all(values):
        raise ValueError(f"{option}: a value is empty in {text!r}. Separate values by single commas.")
    if len({*values}) < len(values):
        raise ValueError(f"{option}: a value occurs twice in {text}")
    return Choice(option, values)


def grid(choices: Sequence[Choice]) -> list[dict[str, str]]:
    """Return every combination of the values, as {option: value}.

    Examples
    --------
    >>> from minigooglenet.training.sweep.choices import choice, grid
    >>> grid([choice("lr", "0.01,0.05"), choice("batch", "32")])
    [{'lr': '0.01', 'batch': '32'}, {'lr': '0.05', 'batch': '32'}]
    """
    for option, _, ends in choices:
        if ends is not None:
            raise ValueError(
                f"{option}={':'.join(ends)} is a range, and a grid needs values. Pass --random N to draw from it, or "
                f"values such as {option}={','.join(ends)}."
            )
    options = [choice.option for choice in choices]
    combinations = itertools.product(*(choice.values for choice in choices))
    return [dict(zip(options, combination, strict=True)) for combination in combinations]


def draws(choices: Sequence[Choice], count: int, seed: int) -> list[dict[str, str]]:
    """Return `count` different random combinations; a larger `count` continues the same sequence.

    Raises
    ------
    ValueError
        If there are fewer combinations.
    """
    rng, drawn = np.random.default_rng(seed), list[dict[str, str]]()
    for _ in range(TRIES * count):
        combination = {choice.option: choice.drawn(rng) for choice in choices}
        if combination not in drawn:
            drawn.append(combination)
        if len(drawn) == count:
            return drawn
    raise ValueError(
        f"only {len(drawn)} of {count} random combinations differ. Pass --random {len(drawn)}, or leave out --random "
        "to train all combinations."
    )


def names(combinations: Sequence[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return {short name that can be a folder: combination}.

    Examples
    --------
    >>> from minigooglenet.training.sweep.choices import names
    >>> list(names([{"lr": "0.01", "freeze": "conv1*"}]))
    ['lr=0.01_freeze=conv1-']
    """
    named: dict[str, dict[str, str]] = {}
    for combination in combinations:
        text = "_".join(f"{option}={value}" for option, value in combination.items())
        short = name = re.sub(r"[^\w.+=-]", "-", text, flags=re.ASCII)[:MOST_NAME].rstrip(".")
        number = 1
        while name.lower() in map(str.lower, named):  # some file systems ignore case
            number += 1
            name = f"{short}-{number}"
        named[name] = combination
    return named


def _is_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
