"""Owners of the folders in a Gradescope export, from the file `submission_metadata.yml` next to them.

The parser reads only the keys that it needs, and forged content cannot do any harm.
"""

import datetime
import json
import re
from typing import NamedTuple

from minigooglenet.course import safe_open
from minigooglenet.course.roster import Person

NAME = "submission_metadata.yml"
MOST_BYTES = 256 << 20  # with the results of all earlier submissions of a class
_KEY = re.compile(r"([^\s:#-][^:]*):\s*")
_OF_SUBMISSION = re.compile(r"  :(\w+):\s*(.*)")
_OF_PERSON = re.compile(r"  (?:- |  ):(name|sid|email):\s*(.*)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)? ?(Z|[+-]\d\d:\d\d)")


class Submission(NamedTuple):
    """The students who handed in a folder, and the time."""

    people: tuple[Person, ...]
    when: float | None


def load(path) -> dict[str, Submission]:
    """Return the submissions in a metadata file, or {} if it cannot be read."""
    try:
        return read(safe_open.read(path, MOST_BYTES).decode("utf-8-sig", errors="replace"))
    except (OSError, ValueError):
        return {}


def read(text: str) -> dict[str, Submission]:
    """Return {name of a folder: its submission} from the text of a metadata file."""
    entries, name, part = {}, None, ""
    for line in text.splitlines():
        if key := _KEY.fullmatch(line):
            name, part = key[1], ""
            entries[name] = ([], None)
        elif name and (key := _OF_SUBMISSION.fullmatch(line)):
            part = key[1]
            if part == "created_at" and (time := _TIME.match(key[2])):
                when = datetime.datetime.fromisoformat(f"{time[1]}T{time[2]}{time[3].replace('Z', '+00:00')}")
                entries[name] = (entries[name][0], when.timestamp())
        elif name and part == "submitters" and (key := _OF_PERSON.fullmatch(line)):
            people = entries[name][0]
            if line.startswith("  - "):
                people.append({})
            if people:
                people[-1][key[1]] = _plain(key[2].strip())
    submissions = {}
    for name, (people, when) in entries.items():
        students = [
            Person(fields["name"], (), fields.get("sid", ""), fields.get("email", ""))
            for fields in people
            if fields.get("name")
        ]
        if students:
            submissions[name] = Submission(tuple(students), when)
    return submissions


def _plain(value):
    """Return a YAML scalar without its quotes."""
    if value.startswith("'") and value.endswith("'") and len(value) > 1:
        return value[1:-1].replace("''", "'")
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except ValueError:
            return value.strip('"')
    return value
