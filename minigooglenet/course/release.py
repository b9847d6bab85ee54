"""A course's own version of the lessons: notebooks from edited sources, and the quizzes as flashcards.

What a release wrote is noted in the folder, so that the next one replaces only what nobody has changed since.
"""

import functools
import hashlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from minigooglenet import files
from minigooglenet.course import nbgrader, notebooks, own_exercises
from minigooglenet.course.rules import rules
from minigooglenet.exercises.cards import cards, pairs
from minigooglenet.exercises.find import everything
from minigooglenet.lessons.flashcards import computed
from minigooglenet.names import closest

NOTE = ".minigooglenet-release.json"
DECK = "flashcards.tsv"
SOLVED = "solutions/"
_NUMBERS = re.compile(r"\b(?:check|answer|ask|hint|compare)\(\s*[\"'](\d\d\.\w+)[\"']")


class Released(NamedTuple):
    """What a release did: files written, the same already, and left because somebody changed them."""

    written: list[Path]
    same: list[Path]
    kept: list[Path]


def release(source, target, solutions=None, plan=None, exercises=None) -> Released:
    """Write the notebooks of every source in the folder `source`, and the deck of their quizzes, to `target`.

    source : the sources, or the folder that `minigooglenet lessons DIR --solutions SOURCES` wrote
    solutions : a second folder, for the notebooks with solutions; never inside `target`, which is handed out
    plan : a course's: only its lessons are written, and each states the course's rules
    exercises : folder of the course's own exercises: their cells follow those of their lesson, or make a notebook
    """
    (source, more), target = _started(source, exercises), Path(target)
    if solutions is not None:
        apart(target, solutions)
    made = notebooks.both(source, functools.partial(_for_course, plan), more)
    if not made:
        raise ValueError(f"none of the lessons in {source} counts in this course: {', '.join(plan.lessons)}")
    open_ = {name: text for name, text in made.items() if "/" not in name}
    lessons = {name[:2] for name in open_}
    if exercises is not None:
        open_ |= own_exercises.handed_out(exercises)
    open_[DECK] = flashcards([path for path in notebooks.lesson_files(source) if path.stem[:2] in lessons])
    done = _write(target, open_, Released([], [], []))
    if solutions is not None:
        hidden = {name.removeprefix(SOLVED): text for name, text in made.items() if name.startswith(SOLVED)}
        _write(Path(solutions), hidden, done)
    return done


def release_for_nbgrader(source, target, plan=None, exercises=None) -> Released:
    """Write what nbgrader's generate_assignment starts from, solutions among it, to its course folder `target`."""
    source, more = _started(source, exercises)
    made = nbgrader.course(source, functools.partial(_for_course, plan), more)
    folders = [path.rpartition("/")[0] for path in made if path.startswith("source/")]
    for path, text in ({} if exercises is None else own_exercises.handed_out(exercises)).items():
        made |= {f"{folder}/{path}": text for folder in folders}
    return _write(Path(target), made, Released([], [], []))


def _started(source, exercises):
    """Return the folder of the lessons' sources, and the cells of a course's own exercises."""
    alone = exercises is not None and Path(source).resolve() == Path(exercises).resolve()
    more = {} if exercises is None else own_exercises.appended(exercises)
    return Path(source) if alone else folder_of_sources(source), more


def apart(handed_out, solutions) -> None:
    """Raise a ValueError if a folder with solutions is, or is inside, what students get."""
    inside, outside = (Path(os.path.realpath(folder)) for folder in (solutions, handed_out))
    if inside == outside or inside.is_relative_to(outside):
        raise ValueError(f"{solutions} is inside {handed_out}, which students get; name a folder next to it")


def _for_course(plan, stem, text):
    """Return a source with the rules of the course, or None if its lesson does not count; check its exercises."""
    known, lesson = everything(), stem[:2]
    there = [number for number in known if number.startswith(f"{lesson}.")]
    for number in sorted(set(_NUMBERS.findall(text)) - set(known)):
        those = [each for each in known if each.partition(".")[0] == number.partition(".")[0]]
        if those:  # the exercises of other lessons may be a course's own
            near = closest(number, those)
            advice = f" Did you mean {near}?" if near else f" There are: {', '.join(those)}."
            raise ValueError(f"{stem} has an exercise {number!r}, which does not exist.{advice}")
    if plan is None:
        return text
    return notebooks.with_text(text, rules(plan, lesson, there)) if lesson in plan.lessons else None


def _write(target, made, done) -> Released:
    """Write {name: text} to a folder, except over what somebody changed."""
    target.mkdir(parents=True, exist_ok=True)
    note = _note(target)
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
        "`minigooglenet lessons DIR --solutions SOURCES` writes them to SOURCES."
    )


def flashcards(sources) -> str:
    """Return the quizzes and computed cards of the lessons with these sources as a deck that Anki imports."""
    asked = {}
    for path in sources:
        lesson, beside = path.stem[:2], path.with_name("quiz.tsv")
        asked[lesson] = pairs(beside) if beside.is_file() else quizzes(lesson)
    return deck(asked)


def deck(asked) -> str:
    """Return {lesson: (question, answer) pairs}, and our computed cards, as text that Anki imports."""
    lines = ["#separator:tab", "#html:false", "#notetype:Basic", "#deck:minigooglenet", "#tags column:3"]
    for lesson, those in asked.items():
        more = [(card.question, card.answer()) for card in computed(lesson)]
        lines += ["\t".join(map(_field, (*pair, f"lesson{lesson}"))) for pair in [*those, *more]]
    return "\n".join(lines) + "\n"


def _field(text):
    """Return a field as CSV with tabs has it: Anki drops quotes at its beginning, and lines that begin with #."""
    return '"' + text.replace('"', '""') + '"' if text.startswith(('"', "#")) else text


def quizzes(lesson) -> list[tuple[str, str]]:
    """Return the quiz of a lesson, [] if it has none: a course's own lesson may."""
    try:
        return cards(lesson)
    except ValueError:
        return []


def _note(target):
    try:
        note = json.loads((target / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _digest(data):
    return hashlib.sha256(data).hexdigest()
