"""The students of a course: their names, and the other names under which their files arrive.

A name is compared without case, accents, spaces and punctuation, and with its words in any order: "Ada Byron" is
"byronada" (Canvas), "byron, ada" and "ada_byron". A name that could be two people's is nobody's.
"""

import csv
import difflib
import io
import itertools
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from minigooglenet.course import source_text

MOST_WORDS = 4  # of a name whose words are tried in every order
MOST_BYTES = 16 << 20
# What the columns of a roster are called by those who export one.
COLUMNS = {
    "name": ("name", "student", "full name", "fullname"),
    "first": ("first name", "firstname", "first_name", "given name", "vorname"),
    "last": ("last name", "lastname", "last_name", "surname", "family name", "nachname"),
    "id": ("id", "id number", "student id", "sid", "sis user id", "matriculation number"),
    "email": ("email", "e-mail", "email address", "e-mail address"),
    "section": ("section", "group", "sections"),
    "aliases": ("aliases", "alias", "username", "login", "sis login id", "github", "github username", "user"),
}


@dataclass(frozen=True)
class Person:
    """A student on the roster."""

    name: str
    aliases: tuple[str, ...] = ()
    id: str = ""
    email: str = ""
    section: str = ""


class Roster:
    """The students of a course by all of their names."""

    def __init__(self, people):
        self.people = list(people)
        self.names = [person.name for person in self.people]
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} is on the roster twice; add a number to one of the names")
        self._by_name = {person.name: person for person in self.people}
        aliases, derived = defaultdict(set), defaultdict(set)
        for place, person in enumerate(self.people):
            for name in (*person.aliases, person.id, person.email):
                aliases[key_of(name)].add(place)
            for name in (person.name, *_orders(person.name), person.email.partition("@")[0]):
                derived[key_of(name)].add(place)
        for key, places in aliases.items():
            if key and len(places) > 1:
                told = " and ".join(repr(self.names[place]) for place in sorted(places)[:2])
                raise ValueError(f"{key!r} is an alias, an id or an email of {told}; it belongs to one student")
        found = {key: places for key, places in (derived | aliases).items() if key and len(places) == 1}
        self._by_key = {key: self.people[next(iter(places))] for key, places in found.items()}

    def __bool__(self):
        return bool(self.people)

    def find(self, *names) -> Person | None:
        """Return the student that one of the names belongs to, or None."""
        for name in names:
            if found := self._by_name.get(name) or self._by_key.get(key_of(name)):
                return found
        return None

    def alike(self, name, among) -> str | None:
        """Return the student among some whose name is close to another name, or shares a word with it, or None."""
        words = {key_of(word) for word in re.split(r"[\W_]+", name)} - {""}
        sharing = [each for each in among if words & set(map(key_of, each.split()))]
        close = difflib.get_close_matches(key_of(name), map(key_of, among), n=1, cutoff=0.75)
        found = sharing if len(sharing) == 1 else [each for each in among if key_of(each) in close]
        return found[0] if found else None

    def within(self, name) -> Person | None:
        """Return the only student whose name or alias is a part of a file's name: "zeno_team_07_hw1"."""
        if found := self.find(name):
            return found
        there = {person.name for _, _, person in self._runs(name)}
        return self.find(*there) if len(there) == 1 else None

    def several(self, name) -> list[Person]:
        """Return the students whose names or aliases stand one after another in a file's name: "ada17 & Bo Li"."""
        found, end = [], 0
        for first, last, person in sorted(self._runs(name), key=lambda run: (run[0], -run[1])):
            if first >= end:
                found.append(person)
            elif last > end:  # two names share a word, so one of them is not meant
                return []
            end = max(end, last)
        return list(dict.fromkeys(found)) if len(set(found)) > 1 else []

    def _runs(self, name):
        """Return (first word, word after the last, student) of all words that are a student's name or alias."""
        words = re.findall(r"\w+", name.replace("_", " "))
        places = itertools.combinations(range(len(words) + 1), 2)
        runs = [(i, j, key_of("".join(words[i:j]))) for i, j in places]
        return [(i, j, self._by_key[run]) for i, j, run in runs if self._is_name(run)]

    def _is_name(self, run):
        return len(run) >= 3 and not run.isdigit() and run in self._by_key


def key_of(name) -> str:
    """Return what two spellings of one name share."""
    text = unicodedata.normalize("NFKD", str(name)).casefold()
    return "".join(letter for letter in text if letter.isalnum())


def _orders(name):
    words = re.split(r"[\s,]+", name.strip())
    return map("".join, itertools.permutations(words)) if 1 < len(words) <= MOST_WORDS else ()


def people_of(path) -> list[Person]:
    """Return the students of a CSV file with a heading, as the registrar's office or a learning platform exports it."""
    path = Path(path)
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path.name} is larger than {MOST_BYTES:,} bytes")
    text = source_text.decode(data, path.name)
    head = text.partition("\n")[0]
    mark = max(",;\t", key=head.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    heads = [cell.strip().casefold() for cell in rows[0]] if rows else []
    where = {kind: [i for i, head in enumerate(heads) if head in known] for kind, known in COLUMNS.items()}
    if not where["name"] and not (where["first"] and where["last"]):
        shown = ", ".join(rows[0]) if rows else "nothing"
        needs = "'name', or 'first name' and 'last name'"
        raise ValueError(f"{path.name} has no column {needs}; its first line is: {shown}")
    people = []
    for row in rows[1:]:
        cells = {kind: [row[i].strip() for i in places if i < len(row)] for kind, places in where.items()}
        name = " ".join(cells["name"][:1] or (cells["first"][:1] + cells["last"][:1])).strip()
        if name and "points possible" not in name.casefold():
            first = {kind: "".join(cells[kind][:1]) for kind in ("id", "email", "section")}
            aliases = [each.strip() for cell in cells["aliases"] for each in re.split(r"[;|]", cell)]
            people.append(Person(name, tuple(filter(None, aliases)), **first))
    if not people:
        raise ValueError(f"{path.name} has no students below its first line")
    return people
