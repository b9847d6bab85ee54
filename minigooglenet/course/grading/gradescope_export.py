"""Whose the folders of a Gradescope export are: `submission_metadata.yml` next to them says it.

Only what is needed of this file is read, and nothing in it can do harm.
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


class Said(NamedTuple):
    """Who handed in a folder, and when."""

    people: tuple[Person, ...]
    when: float | None


def of_file(path) -> dict[str, Said]:
    """Return what a file says, or nothing if it cannot be read."""
    try:
        return read(safe_open.read(path, MOST_BYTES).decode("utf-8-sig", errors="replace"))
    except (OSError, ValueError):
        return {}


def read(text: str) -> dict[str, Said]:
    """Return {name of a folder: who handed it in, and when}."""
    found, name, part = {}, None, ""
    for line in text.splitlines():
        if key := _KEY.fullmatch(line):
            name, part = key[1], ""
            found[name] = ([], None)
        elif name and (key := _OF_SUBMISSION.fullmatch(line)):
            part = key[1]
            if part == "created_at" and (time := _TIME.match(key[2])):
                when = datetime.datetime.fromisoformat(f"{time[1]}T{time[2]}{time[3].replace('Z', '+00:00')}")
                found[name] = (found[name][0], when.timestamp())
        elif name and part == "submitters" and (key := _OF_PERSON.fullmatch(line)):
            people = found[name][0]
            if line.startswith("  - "):
                people.append({})
            if people:
                people[-1][key[1]] = _plain(key[2].strip())
    made = {}
    for name, (people, when) in found.items():
        those = [
            Person(each["name"], (), each.get("sid", ""), each.get("email", "")) for each in people if each.get("name")
        ]
        if those:
            made[name] = Said(tuple(those), when)
    return made


def _plain(value):
    """Return a scalar of YAML without its quotes."""
    if value.startswith("'") and value.endswith("'") and len(value) > 1:
        return value[1:-1].replace("''", "'")
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except ValueError:
            return value.strip('"')
    return value
