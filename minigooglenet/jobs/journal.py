"""The journal of jobs: one JSON object per line, appended and synced, so that a kill at any moment loses nothing done.

A kill while a line is written leaves a partial last line. It is skipped, and the next record begins on a new line.
"""

import datetime
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minigooglenet import files
from minigooglenet.jobs.job import Event
from minigooglenet.typing import PathLike


class Journal:
    """A file to which the events of jobs are appended. Only one process may append at a time.

    Examples
    --------
    >>> import tempfile
    >>> from minigooglenet import jobs
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     journal = jobs.Journal(folder + "/jobs.jsonl")
    ...     journal.add(jobs.Event(jobs.Job("first", print), jobs.DONE, value=7))
    ...     jobs.latest([journal.path])["first"]["value"]
    7
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)

    def add(self, event: Event) -> None:
        """Append an event, and write it to the disk."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        record = {"job": event.job.name, "state": event.state, "time": now}
        record |= {
            name: value for name in ("value", "error", "details") if (value := getattr(event, name)) not in ("", None)
        }
        new = not self.path.exists()
        with self.path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            torn = end and file.read(1) != b"\n"
            file.write(b"\n" * bool(torn) + json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            files.sync_folder(self.path.parent)


def records(path: PathLike) -> list[dict[str, Any]]:
    """Return the valid records of a journal in their order; none if it does not exist."""
    try:
        lines = files.read_bytes(path).split(b"\n")
    except FileNotFoundError:
        return []
    return [record for line in lines if (record := _record(line)) is not None]


def latest(paths: Iterable[PathLike]) -> dict[str, dict[str, Any]]:
    """Return {job: its latest record} of several journals."""
    ordered = sorted((record for path in paths for record in records(path)), key=lambda record: record["time"])
    return {record["job"]: record for record in ordered}


def _record(line):
    """Return the record in a line, or None if a crash truncated the line or it is not a record."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    valid = isinstance(record, dict) and all(isinstance(record.get(name), str) for name in ("job", "state", "time"))
    return record if valid else None
