"""Releases of the lessons for a course: notebooks from edited sources, and the quizzes as flashcards.

A release records the files that it wrote in its folder, so that the next release replaces only unedited files.
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
from minigooglenet.names import hint

NOTE = ".minigooglenet-release.json"
DECK = "flashcards.tsv"
SOLVED = "solutions/"
_NUMBERS = re.compile(r"\b(?:check|answer|ask|hint|compare)\(\s*[\"'](\d\d\.\w+)[\"']")


class Released(NamedTuple):
    """Result of a release: files written, files that were up to date, and edited files that were kept."""

    written: list[Path]
    same: list[Path]
    kept: list[Path]


def release(source, target, solutions=None, plan=None, exercises=None) -> Released:
    """Write the notebooks of all sources in the folder `source`, and a deck of their quizzes, to `target`.

    source : folder of the sources, as written by `minigooglenet lessons DIR --solutions SOURCES`
    solutions : a second folder for the notebooks with solutions; never inside `target`, which is handed out
    plan : of a course: only its lessons are written, and each states the rules of the course
    exercises : folder of the course's own exercises: their cells follow those of their lesson, or form a new notebook
    """
    (source, more), target = _started(source, exercises), Path(target)
    if solutions is not None:
        apart(target, solutions)
    made = notebooks.both(source, functools.partial(_for_course, plan), more)
    if not made:
        raise ValueError(f"no lesson in {source} counts in this course. These count: {', '.join(plan.lessons)}")
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
    """Write the inputs of nbgrader's generate_assignment, including solutions, to its course folder `target`."""
    source, more = _started(source, exercises)
    made = nbgrader.course(source, functools.partial(_for_course, plan), more)
    folders = [path.rpartition("/")[0] for path in made if path.startswith("source/")]
    for path, text in ({} if exercises is None else own_exercises.handed_out(exercises)).items():
        made |= {f"{folder}/{path}": text for folder in folders}
    return _write(Path(target), made, Released([], [], []))


def _started(source, exercises):
    """Return the folder of the lesson sources, and the cells of the course's own exercises."""
    alone = exercises is not None and Path(source).resolve() == Path(exercises).resolve()
    more = {} if exercises is None else own_exercises.appended(exercises)
    return Path(source) if alone else folder_of_sources(source), more


def apart(handed_out, solutions) -> None:
    """Raise a ValueError if the folder of the solutions is inside the folder for students, or the same folder."""
    inside, outside = (Path(os.path.realpath(folder)) for folder in (solutions, handed_out))
    if inside == outside or inside.is_relative_to(outside):
        raise ValueError(f"{solutions} is inside {handed_out}, which students get. Choose a folder outside of it.")


def _for_course(plan, stem, text):
    """Return a source with the rules of the course, or None if its lesson does not count; check its exercise IDs."""
    known, lesson = everything(), stem[:2]
    exercises = [number for number in known if number.startswith(f"{lesson}.")]
    for number in sorted(set(_NUMBERS.findall(text)) - set(known)):
        candidates = [other for other in known if other.partition(".")[0] == number.partition(".")[0]]
        if candidates:  # otherwise the lesson may be the course's own
            advice = hint(number, candidates, f"Choose from {', '.join(candidates)}.")
            raise ValueError(f"{stem}: unknown exercise {number!r}{advice}")
    if plan is None:
        return text
    return notebooks.with_text(text, rules(plan, lesson, exercises)) if lesson in plan.lessons else None


def _write(target, made, done) -> Released:
    """Write {name: text} to a folder, but keep edited files."""
    target.mkdir(parents=True, exist_ok=True)
    note = _note(target)
    for name, text in made.items():
        path, new = target / name, _digest(text.encode())
        old = _digest(path.read_bytes()) if path.is_file() else None
        if old == new:
            done.same.append(path)
        elif path.is_symlink() or (path.exists() and old != note.get(name)):
            done.kept.append(path)
            continue
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(path, text)
            done.written.append(path)
        note[name] = new
    files.write_text(target / NOTE, json.dumps(note, indent=1, sort_keys=True) + "\n")
    return done


def folder_of_sources(source) -> Path:
    """Return the folder of the lesson sources: `source`, or `src` or the package's lessons inside it."""
    source = Path(source)
    if not source.is_dir():
        raise FileNotFoundError(f"folder {source} does not exist")
    for folder in (source, source / "src", source / "minigooglenet" / "lessons"):
        if notebooks.lesson_files(folder):
            return folder
    raise FileNotFoundError(
        f"{source} contains no lesson sources, such as 03_gradients.py, nor does {source / 'src'}. "
        "Write them to SOURCES with `minigooglenet lessons DIR --solutions SOURCES`."
    )


def flashcards(sources) -> str:
    """Return the quizzes and computed cards of the lessons with these sources as a deck for Anki."""
    quiz_by_lesson = {}
    for path in sources:
        lesson, quiz = path.stem[:2], path.with_name("quiz.tsv")
        quiz_by_lesson[lesson] = pairs(quiz) if quiz.is_file() else quizzes(lesson)
    return deck(quiz_by_lesson)


def deck(quiz_by_lesson) -> str:
    """Return a deck for Anki, as text, from {lesson: (question, answer) pairs} and the computed cards."""
    lines = ["#separator:tab", "#html:false", "#notetype:Basic", "#deck:minigooglenet", "#tags column:3"]
    for lesson, quiz in quiz_by_lesson.items():
        more = [(card.question, card.answer()) for card in computed(lesson)]
        lines += ["\t".join(map(_field, (*pair, f"lesson{lesson}"))) for pair in [*quiz, *more]]
    return "\n".join(lines) + "\n"


def _field(text):
    """Return a field of tab-separated text, quoted if needed: Anki drops leading quotes and lines that begin with #."""
    return '"' + text.replace('"', '""') + '"' if text.startswith(('"', "#")) else text


def quizzes(lesson) -> list[tuple[str, str]]:
    """Return the quiz of a lesson, [] if it has none, as a course's own lesson may."""
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
