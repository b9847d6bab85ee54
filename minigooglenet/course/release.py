"""A course's own version of the lessons: notebooks from edited sources, and the quizzes as flashcards.

What a release wrote is noted in the folder, so that the next one replaces only what nobody has changed since.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from minigooglenet import files
from minigooglenet.course import nbgrader, notebooks, own_exercises
from minigooglenet.exercises.cards import cards, pairs

NOTE = ".minigooglenet-release.json"
DECK = "flashcards.tsv"


class Released(NamedTuple):
    """What a release did: files written, the same already, and left because somebody changed them."""

    written: list[Path]
    same: list[Path]
    kept: list[Path]


def release(source, target, solutions=False, exercises=None) -> Released:
    """Write the notebooks of every source in the folder `source`, and the deck of their quizzes, to `target`.

    source : the sources, or the folder that `minigooglenet lessons DIR --sources` wrote, which has them in `src`
    solutions : also the notebooks with solutions, to target/solutions
    exercises : folder of the course's own exercises: their cells follow those of their lesson, or make a notebook
    """
    source, more = _started(source, exercises)
    made = {name: text for name, text in notebooks.both(source, more).items() if solutions or "/" not in name}
    if exercises is not None:
        made |= own_exercises.handed_out(exercises)
    made[DECK] = flashcards(notebooks.lesson_files(source))
    return write(made, target)


def release_for_nbgrader(source, target, exercises=None) -> Released:
    """Write what nbgrader's generate_assignment starts from, solutions among it, to its course folder `target`."""
    source, more = _started(source, exercises)
    made = nbgrader.course(source, more)
    for place in [path.rpartition("/")[0] for path in made if path.startswith("source/") and exercises is not None]:
        made |= {f"{place}/{path}": text for path, text in own_exercises.handed_out(exercises).items()}
    return write(made, target)


def _started(source, exercises):
    """Return the folder of the lessons' sources, and the cells of a course's own exercises."""
    alone = exercises is not None and Path(source).resolve() == Path(exercises).resolve()
    more = {} if exercises is None else own_exercises.appended(exercises)
    return Path(source) if alone else folder_of_sources(source), more


def write(made, target) -> Released:
    """Write {path: text} below `target`. A file that somebody changed since the last release stays as it is."""
    target = Path(target)
    target.mkdir(parents=True, exist_ok=True)
    note, done = _note(target), Released([], [], [])
    for name, text in made.items():
        place, now = target / name, _digest(text.encode())
        there = _digest(place.read_bytes()) if place.is_file() else None
        if there == now:
            done.same.append(place)
        elif place.is_symlink() or (place.exists() and there != note.get(name)):
            done.kept.append(place)
            continue
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(place, text)
            done.written.append(place)
        note[name] = now
    files.write_text(target / NOTE, json.dumps(note, indent=1, sort_keys=True) + "\n")
    return done


def folder_of_sources(source) -> Path:
    """Return the folder with the lessons' sources: the one given, or `src` in it."""
    source = Path(source)
    if not source.is_dir():
        raise FileNotFoundError(f"folder {source} does not exist")
    for folder in (source, source / "src", source / "minigooglenet" / "lessons"):
        if notebooks.lesson_files(folder):
            return folder
    raise FileNotFoundError(
        f"{source} has no lesson sources, such as 03_gradients.py, and neither has {source / 'src'}. "
        "`minigooglenet lessons DIR --sources` writes them to DIR/src."
    )


def flashcards(sources) -> str:
    """Return the quizzes of the lessons with these sources as a deck that Anki imports: question, answer and tag."""
    lines = ["#separator:tab", "#html:false", "#notetype:Basic", "#deck:minigooglenet", "#tags column:3"]
    for path in sources:
        lesson, beside = path.stem[:2], path.with_name("quiz.tsv")
        try:
            asked = pairs(beside) if beside.is_file() else cards(lesson)
        except ValueError:
            continue  # a course's own lesson may have none
        lines += ["\t".join((*card, f"lesson{lesson}")) for card in asked]
    return "\n".join(lines) + "\n"


def _note(target):
    try:
        note = json.loads((target / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _digest(data):
    return hashlib.sha256(data).hexdigest()
