"""The file of what a grading has done, as somebody may have damaged it: every line that fits counts, and no other."""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

LONGEST = 1 << 20  # bytes of a line; one notebook's rows have about 5,000
SEEDS = 1 << 60
MOST_TIMES = 1000
DAMAGED = "damaged"


@dataclass
class Found:
    """What a ledger's lines say; `bad` lines fit nothing, and a last one may be torn."""

    done: dict[str, list] = field(default_factory=dict)
    begun: Counter = field(default_factory=Counter)
    seed: int | None = None
    good: list[bytes] = field(default_factory=list)
    bad: int = 0
    torn: bool = False


def check_place(path) -> None:
    """Raise an OSError if something that is not a file has the ledger's name."""
    if os.path.lexists(path) and not path.is_file():
        kind = "a folder" if path.is_dir() else "not a regular file"
        raise OSError(f"cannot keep what is graded in {path}: it is {kind}. Move it away, or name another CSV.")


def read(path, columns) -> Found:
    """Return what the lines of a ledger say; `columns` are those of a row."""
    found = Found()
    if not path.exists():
        return found
    with path.open("rb") as file:
        while line := file.readline(LONGEST):
            found.torn = not line.endswith(b"\n")
            if found.torn and len(line) == LONGEST:
                while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                    pass
                found.bad, found.torn = found.bad + 1, False
                continue
            try:
                entry = json.loads(line)
                checked(entry, columns)
            except (ValueError, RecursionError):
                found.bad += bool(line.strip() and not found.torn)  # one was being written when the power went
                continue
            take(found, entry)
            found.good.append(line.rstrip(b"\r\n") + b"\n")
    return found


def checked(entry, columns) -> None:
    """Raise a ValueError unless an entry is one that a grading writes."""
    if not isinstance(entry, dict):
        raise ValueError("an entry is an object")
    if set(entry) == {"seed"}:
        good = type(entry["seed"]) is int and 0 <= entry["seed"] < SEEDS
    elif set(entry) == {"done", "rows"}:
        rows = entry["rows"]
        good = isinstance(entry["done"], str) and isinstance(rows, list) and all(_is_row(row, columns) for row in rows)
    else:
        times = entry.get("times", 1)
        good = set(entry) in ({"begun"}, {"begun", "times"}) and isinstance(entry["begun"], str)
        good = good and type(times) is int and abs(times) <= MOST_TIMES
    if not good:
        raise ValueError("an entry has the wrong fields")


def take(ledger, entry) -> None:
    """Note an entry in anything that has `done`, `begun` and `seed`."""
    if "seed" in entry:
        ledger.seed = entry["seed"]
    elif "done" in entry:
        ledger.done[entry["done"]] = list(entry["rows"])
    else:
        ledger.begun[entry["begun"]] += entry.get("times", 1)


def move_aside(path, found) -> Path:
    """Give a damaged ledger another name, write its good lines under the old one, and return the other name."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.{DAMAGED}-{number}")):
        number += 1
    path.rename(aside)
    with path.open("xb") as file:
        file.writelines(found.good)
        file.flush()
        os.fsync(file.fileno())
    return aside


def _is_row(row, columns):
    if not isinstance(row, dict) or not set(columns) <= set(row):
        return False
    plain = all(isinstance(row[name], str | int | float | bool | None) for name in columns)
    texts = all(isinstance(row[name], str) for name in ("student", "exercise", "status", "note"))
    return plain and texts and isinstance(row["points"], int | float) and isinstance(row["of"], int | float)
