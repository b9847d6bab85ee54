"""The budget game: design an Inception module to replace GoogLeNet's 4a.

A design is a row of the paper's Table 1: the number of filters of the 1x1, of the reduction before the 3x3, of the 3x3,
of the reduction before the 5x5, of the 5x5, and of the projection after the pool. It reads 480 channels of 14 x 14.

    useful channels   filters of all branches; after a reduction to r, at most 3r count, because the rest adds little
    mix               effective number of window sizes among the useful channels: from 1 to 3 (1x1, 3x3, 5x5)
    learned           held-out accuracy of a short training run, scaled from 0 (chance) to 1: see short_run.py
    points            useful channels * mix / millions of MACs * learned

A design gets points only within the budget: at most MACS and PARAMS, at least WIDTH useful channels.
"""

import json
import math
from typing import NamedTuple

from minigooglenet import files
from minigooglenet.console import Table
from minigooglenet.counting import count
from minigooglenet.graph import Graph
from minigooglenet.lessons.lesson_07_inception import short_run
from minigooglenet.models import Style, inception
from minigooglenet.models.googlenet import MODULES
from minigooglenet.shapes import integer

SHAPE, MACS, PARAMS, WIDTH = (480, 14, 14), 75_000_000, 380_000, 480
PER_REDUCED = 3  # useful filters per channel of the reduction before them
NAMES = ("n1x1", "n3x3red", "n3x3", "n5x5red", "n5x5", "pool_proj")
MOST_FILTERS, MOST_NAME, MOST_PLAYERS, SHOWN = 4096, 40, 10_000, 10
FILE = "budget_leaderboard.json"


class Score(NamedTuple):
    """The points of a design, and its counts; `points` and `learned` are 0 outside the budget."""

    points: float
    macs: int
    params: int
    useful: int
    mix: float
    broken: tuple[str, ...]
    learned: float = 0.0

    def __str__(self):
        counts = f"{self.macs:,} MACs, {self.params:,} parameters, {self.useful} useful channels, mix {self.mix:.2f}"
        if self.broken:
            return f"0 points: {'; '.join(self.broken)} ({counts})"
        return f"{self.points:.3f} points: {counts}, learned {self.learned:.2f}"

    __repr__ = __str__


def score(*design) -> Score:
    """Return the Score of six filter counts, in the order of `inception`; trains a network if they fit the budget."""
    result = counted(*design)
    if result.broken:
        return result
    learned = short_run.learned(_checked(design))
    return result._replace(points=result.points * learned, learned=learned)


def counted(*design) -> Score:
    """Return the Score without the training run: `points` assumes that the module learns everything."""
    design = _checked(design)
    g = Graph(image=SHAPE)
    inception(g, "image", "module", *design, style=Style(init="zeros"))
    costs = count(g)
    n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_proj = design
    sizes = {
        1: n1x1,
        3: min(n3x3, PER_REDUCED * n3x3red) + pool_proj,  # the pool has windows of 3 x 3 too
        5: min(n5x5, PER_REDUCED * n5x5red),
    }
    useful = sum(sizes.values())
    mix = math.exp(-sum(n / useful * math.log(n / useful) for n in sizes.values()))
    broken = tuple(
        f"{value:,} {what}, {word} {limit:,}"
        for value, what, word, limit, bad in (
            (costs.macs, "MACs", "at most", MACS, costs.macs > MACS),
            (costs.params, "parameters", "at most", PARAMS, costs.params > PARAMS),
            (useful, "useful channels", "at least", WIDTH, useful < WIDTH),
        )
        if bad
    )
    points = 0.0 if broken else useful * mix / (costs.macs / 1e6)
    return Score(points, costs.macs, costs.params, useful, mix, broken)


def play(player, *design, path=FILE) -> Score:
    """Score a design, and put it on the leaderboard if it fits the budget and is the player's best so far."""
    name = " ".join(str(player).split())
    if not name or len(name) > MOST_NAME or not name.isprintable():
        raise ValueError(f"a player's name has 1 to {MOST_NAME} printable characters, got {player!r}")
    result = score(*design)
    if result.points:
        board = _read(path)
        if name not in board and len(board) >= MOST_PLAYERS:
            raise ValueError(f"the leaderboard {path} is full: {MOST_PLAYERS:,} players")
        if name not in board or score(*board[name]).points < result.points:
            board[name] = list(_checked(design))
            files.write_text(path, json.dumps({"game": "budget", "designs": board}, indent=1, sort_keys=True) + "\n")
    return result


def leaderboard(path=FILE) -> Table:
    """Return a table of the ten best designs. The file contains only designs; they are counted and trained again here.

    A design is trained only if its counts allow enough points for the table.
    """
    board = [(counted(*design), name, design) for name, design in _read(path).items()]
    ranked = []
    for most, name, design in sorted(board, key=_rank):
        if len(ranked) >= SHOWN and most.points <= ranked[SHOWN - 1][0].points:
            break
        ranked = sorted([*ranked, (score(*design), name, design)], key=_rank)
    rows = [
        (rank, name, "-".join(map(str, design)), best.points, best.macs, best.params, best.useful, best.learned)
        for rank, (best, name, design) in enumerate(ranked[:SHOWN], 1)
    ]
    paper = score(*MODULES["4a"])
    columns = ("", "player", "design", ">points", ">MACs", ">params", ">useful", ">learned")
    notes = [f"The paper's 4a: {paper}"]
    title = f"At most {MACS:,} MACs and {PARAMS:,} parameters, at least {WIDTH} useful channels"
    return Table(title, columns, rows, notes)


def _rank(entry):
    result, name, _ = entry
    return -result.points, result.macs, name


def _checked(design):
    if len(design) != len(NAMES):
        raise ValueError(f"a design must be six filter counts, {', '.join(NAMES)}, got {len(design)}")
    design = tuple(integer(value, name, 1) for value, name in zip(design, NAMES, strict=True))
    if max(design) > MOST_FILTERS:
        raise ValueError(f"a filter count must be at most {MOST_FILTERS:,}, got {max(design):,}")
    return design


def _read(path):
    try:
        text = files.read_bytes(path)
    except FileNotFoundError:
        return {}
    try:
        stored = json.loads(text)
        board = {str(name)[:MOST_NAME]: list(_checked(design)) for name, design in stored["designs"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        message = f"{path} is not a leaderboard of this game. Move it away, or pass another path. ({error})"
        raise ValueError(message) from error
    return board
