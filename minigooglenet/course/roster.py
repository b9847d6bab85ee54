"""The roster of a course: the names of its students, and their aliases in file names.

Names are compared without case, accents, spaces and punctuation, and with their words in any order: "Ada Byron" matches
"byronada" (Canvas), "byron, ada" and "ada_byron". A name that matches several students is ignored.
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

MOST_WORDS = 4  # in a name whose words are tried in every order
MOST_BYTES = 16 << 20
# Names of the columns in rosters from common platforms.
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
    """The students of a course, indexed by all of their names."""

    def __init__(self, people):
        self.people = list(people)
        self.names = [person.name for person in self.people]
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} is on the roster twice. Add a number to one of the names.")
        self._by_name = {person.name: person for person in self.people}
        aliases, derived = defaultdict(set), defaultdict(set)
        for index, person in enumerate(self.people):
            for name in (*person.aliases, person.id, person.email):
                aliases[key_of(name)].add(index)
            for name in (person.name, *_orders(person.name), person.email.partition("@")[0]):
                derived[key_of(name)].add(index)
        for key, indices in aliases.items():
            if key and len(indices) > 1:
                both = " and ".join(repr(self.names[index]) for index in sorted(indices)[:2])
                raise ValueError(f"{key!r} is an alias, an id or an email of both {both}; it must be unique")
        unique = {key: indices for key, indices in (derived | aliases).items() if key and len(indices) == 1}
        self._by_key = {key: self.people[next(iter(indices))] for key, indices in unique.items()}

    def __bool__(self):
        return bool(self.people)

    def find(self, *names) -> Person | None:
        """Return the student with one of these names, or None."""
        for name in names:
            if person := self._by_name.get(name) or self._by_key.get(key_of(name)):
                return person
        return None

    def alike(self, name, among) -> str | None:
        """Return the student in `among` whose name shares a word with `name` or is similar to it, or None."""
        words = {key_of(word) for word in re.split(r"[\W_]+", name)} - {""}
        sharing = [student for student in among if words & set(map(key_of, student.split()))]
        close = difflib.get_close_matches(key_of(name), map(key_of, among), n=1, cutoff=0.75)
        matches = sharing if len(sharing) == 1 else [student for student in among if key_of(student) in close]
        return matches[0] if matches else None

    def within(self, name) -> Person | None:
        """Return the only student whose name or alias occurs in a file name, "zeno_team_07_hw1", or None."""
        if person := self.find(name):
            return person
        names = {person.name for _, _, person in self._runs(name)}
        return self.find(*names) if len(names) == 1 else None

    def several(self, name) -> list[Person]:
        """Return the students whose names or aliases occur in a file name, "ada17 & Bo Li", or [] unless several do."""
        people, end = [], 0
        for first, last, person in sorted(self._runs(name), key=lambda run: (run[0], -run[1])):
            if first >= end:
                people.append(person)
            elif last > end:  # two overlapping names: it is not clear which one is meant
                return []
            end = max(end, last)
        return list(dict.fromkeys(people)) if len(set(people)) > 1 else []

    def _runs(self, name):
        """Return (first word, word after the last, student) for all runs of words that are a name or alias."""
        words = re.findall(r"\w+", name.replace("_", " "))
        spans = itertools.combinations(range(len(words) + 1), 2)
        runs = [(i, j, key_of("".join(words[i:j]))) for i, j in spans]
        return [(i, j, self._by_key[run]) for i, j, run in runs if self._is_name(run)]

    def _is_name(self, run):
        return len(run) >= 3 and not run.isdigit() and run in self._by_key


def key_of(name) -> str:
    """Return a key that is equal for different spellings of a name."""
    text = unicodedata.normalize("NFKD", str(name)).casefold()
    return "".join(letter for letter in text if letter.isalnum())


def _orders(name):
    words = re.split(r"[\s,]+", name.strip())
    return map("".join, itertools.permutations(words)) if 1 < len(words) <= MOST_WORDS else ()


def people_of(path) -> list[Person]:
    """Return the students in a CSV file with a heading, as exported by a learning platform."""
    path = Path(path)
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path.name} is larger than {MOST_BYTES:,} bytes")
    text = source_text.decode(data, path.name)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    heads = [cell.strip().casefold() for cell in rows[0]] if rows else []
    columns = {kind: [i for i, head in enumerate(heads) if head in known] for kind, known in COLUMNS.items()}
    if not columns["name"] and not (columns["first"] and columns["last"]):
        shown = ", ".join(rows[0]) if rows else "nothing"
        needs = "'name', or 'first name' and 'last name'"
        raise ValueError(f"{path.name} has no column {needs}; its first line is: {shown}")
    people = []
    for row in rows[1:]:
        cells = {kind: [row[i].strip() for i in indices if i < len(row)] for kind, indices in columns.items()}
        name = " ".join(cells["name"][:1] or (cells["first"][:1] + cells["last"][:1])).strip()
        if name and "points possible" not in name.casefold():
            first = {kind: "".join(cells[kind][:1]) for kind in ("id", "email", "section")}
            aliases = [alias.strip() for cell in cells["aliases"] for alias in re.split(r"[;|]", cell)]
            people.append(Person(name, tuple(filter(None, aliases)), **first))
    if not people:
        raise ValueError(f"{path.name} contains no students after its first line")
    return people
