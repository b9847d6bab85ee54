"""The report on a class: difficult exercises, frequent mistakes, times of submission, and files to check by hand.

Each figure has its values as text. The report names students, so it is for the staff.
"""

import itertools
from collections import Counter, defaultdict
from pathlib import Path

from minigooglenet import figures, files
from minigooglenet.course.grading import gradebook, page
from minigooglenet.course.grading.points import totals
from minigooglenet.course.grading.serialisation import FAILED, MISSING
from minigooglenet.course.plan import Plan, when_of
from minigooglenet.exercises.result import NOT_YET, PASSED, WRONG

STATUSES = (PASSED, WRONG, NOT_YET, MISSING, FAILED)
COLOURS = dict(zip(STATUSES, ("#009E73", "#D55E00", "#F0E442", "#BBBBBB", "#000000"), strict=True))
HATCHES = dict(zip(STATUSES, ("", "//", "..", "", "xx"), strict=True))
MOST_MISTAKES, MOST_NOTES, MOST_BARS = 15, 500, 40
HOUR = 3600.0


def write(path, rows, plan=None, sentences=()) -> Path:
    """Write the report on a class to a file."""
    path = Path(path)
    files.write_text(path, class_page(rows, plan or Plan(), sentences))
    return path


def class_page(rows, plan, sentences) -> str:
    """Return the report on a class."""
    students = totals(rows)
    count = len(students)
    body = [f"<p>{count} student{'s' * (count != 1)}, {len(rows)} results.</p>"]
    body += ["<h2>Exercises</h2>", *_exercises(rows)]
    body += ["<h2>Mistakes</h2>", *_mistakes(rows)]
    body += ["<h2>When the work arrived</h2>", *_arrivals(rows, plan)]
    body += ["<h2>Points</h2>", _points(students, plan)]
    noted = [(row["student"], row["exercise"], row["note"]) for row in rows if row["note"]]
    if noted:
        more = f"; the CSV has {len(noted) - MOST_NOTES} more" if len(noted) > MOST_NOTES else ""
        body.append("<h2>Notes</h2>")
        body.append(f"<p>A note is a reason to check a file by hand, not a verdict{more}.</p>")
        body.append(page.table("Notes for the staff", ("student", "exercise", "note"), _merged(noted)[:MOST_NOTES]))
    if sentences:
        body += ["<h2>Files and students to check by hand</h2>", page.items(sentences)]
    return page.page(f"{plan.name or 'The class'}: report", body)


def _merged(noted):
    """Return notes in which equal notes of a student for several exercises are merged."""
    groups = defaultdict(list)
    for student, exercise, note in noted:
        groups[student, note].append(exercise)
    return [(student, ", ".join(exercises), note) for (student, note), exercises in groups.items()]


def by_exercise(rows) -> dict[str, Counter]:
    """Return {exercise: {status: number of students}}."""
    counts = defaultdict(Counter)
    for row in rows:
        counts[row["exercise"]][row["status"]] += 1
    return dict(sorted(counts.items()))


def _exercises(rows):
    tallies = by_exercise(rows)
    if not tallies:
        return ["<p>Nothing was graded.</p>"]
    titles = {row["exercise"]: row["title"] for row in rows}
    lines = []
    for number, counts in tallies.items():
        fraction = f"{counts[PASSED] / counts.total():.0%}"
        lines.append((number, titles[number], *(counts[status] for status in STATUSES), fraction))
    table = page.table("Students by exercise and status", ("exercise", "title", *STATUSES, "passed of all"), lines)
    hardest = min(tallies, key=lambda number: tallies[number][PASSED] / tallies[number].total())
    passed, tried = tallies[hardest][PASSED], tallies[hardest].total()
    alt = (
        f"Bar chart of students by exercise and status. Passed by the fewest students: {hardest} ({passed} of {tried})."
    )
    drawn = [page.figure(_stacked(part), alt) for part in _parts(list(tallies.items()))]
    return [*drawn, table]


def _parts(pairs):
    return [dict(pairs[i : i + MOST_BARS]) for i in range(0, len(pairs), MOST_BARS)]


def _stacked(tallies):
    figure, axes = figures.new(7, 0.8 + 0.3 * len(tallies))
    numbers = list(reversed(tallies))
    left = [0] * len(numbers)
    for status in STATUSES:
        widths = [tallies[number][status] for number in numbers]
        bars = {"color": COLOURS[status], "hatch": HATCHES[status], "edgecolor": "white", "linewidth": 0.5}
        axes.barh(numbers, widths, left=left, label=status, **bars)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set_xlabel("students")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(STATUSES), fontsize=8, frameon=False)
    return figure


def mistakes(rows) -> list[tuple[str, str, int]]:
    """Return (exercise, mistake, number of students), the most frequent first."""
    tallies = Counter(
        (row["exercise"], row["mistake"]) for row in rows if row.get("mistake") and row["status"] != PASSED
    )
    return [(*key, count) for key, count in sorted(tallies.items(), key=lambda item: (-item[1], item[0]))]


def _mistakes(rows):
    known = mistakes(rows)
    wrong = sum(row["status"] == WRONG for row in rows)
    unnamed = sum(row["status"] == WRONG and not row.get("mistake") for row in rows)
    if not known:
        return [f"<p>No wrong answer matches a known mistake; {wrong} wrong answers are unknown.</p>"]
    top = known[:MOST_MISTAKES]
    figure, axes = figures.new(7, 0.8 + 0.3 * len(top))
    labels = [f"{exercise} {gradebook.safe(mistake, 45)}" for exercise, mistake, _ in reversed(top)]
    positions = range(len(top))
    axes.barh(positions, [count for *_, count in reversed(top)], color=figures.PALETTE[0])
    axes.set_yticks(positions, [_plain(label) for label in labels])
    axes.set_xlabel("students")
    axes.xaxis.get_major_locator().set_params(integer=True)
    exercise, mistake, count = top[0]
    alt = f"Bar chart of the most frequent mistakes. The first: {mistake} in {exercise}, {count} students."
    table = page.table("Known mistakes", ("exercise", "mistake", "students"), known)
    return [page.figure(figure, alt), f"<p>{unnamed} of {wrong} wrong answers match no known mistake.</p>", table]


def _plain(label):
    """Return a label without formulas for matplotlib and without characters that its font may lack."""
    return label.replace("$", r"\$").encode("ascii", "replace").decode("ascii")


def arrivals(rows, plan) -> list[tuple[str, str, float, float | None]]:
    """Return (student, lesson, seconds since 1970, hours before the due date or None) of each file."""
    arrived = {}
    for row in rows:
        if row.get("when"):
            lesson = row["exercise"].partition(".")[0]
            due = plan.due(row["student"], lesson)
            hours = (due.timestamp() - row["when"]) / HOUR if due else None
            arrived[row["student"], lesson] = (row["when"], hours)
    return [(*key, *value) for key, value in sorted(arrived.items())]


def _arrivals(rows, plan):
    arrived = arrivals(rows, plan)
    if not arrived:
        return ["<p>The times of the files are unknown.</p>"]
    dated = [hours for *_, hours in arrived if hours is not None]
    figure, axes = figures.new(7, 3)
    if len(dated) == len(arrived):
        edges = sorted({-96, -72, -48, -24, -12, -6, 0, 6, 12, 24, 48, 72, 96, 168})
        counts = _binned([-hours for hours in dated], edges)
        axes.set_xlabel("hours after the due date (0)")
        late = sum(hours < 0 for hours in dated)
        alt = f"Bar chart of {len(arrived)} files by hours after the due date: {late} of them are late."
    else:
        days = sorted({f"{when_of(when):%Y-%m-%d}" for _, _, when, _ in arrived})
        counted = Counter(f"{when_of(when):%Y-%m-%d}" for _, _, when, _ in arrived)
        counts = {day: counted[day] for day in days[-MOST_BARS:]}
        alt = f"Bar chart of {len(arrived)} files by day, according to the times of the files."
    axes.bar(range(len(counts)), counts.values(), color=figures.PALETTE[0])
    axes.set_xticks(range(len(counts)), counts, rotation=60, ha="right", fontsize=8)
    axes.set_ylabel("files")
    axes.yaxis.get_major_locator().set_params(integer=True)
    return [page.figure(figure, alt, figures.bars({name: float(count) for name, count in counts.items()}))]


def _binned(values, edges):
    """Return {interval: number of values in it}."""
    names = [
        f"before {edges[0]}",
        *(f"{a} to {b}" for a, b in itertools.pairwise(edges)),
        f"after {edges[-1]}",
    ]
    counts = dict.fromkeys(names, 0)
    for value in values:
        counts[names[sum(value > edge for edge in edges)]] += 1
    used = [index for index, count in enumerate(counts.values()) if count]
    return {name: counts[name] for name in names[used[0] : used[-1] + 1]}


def _points(students, plan):
    lessons = sorted({lesson for total in students for lesson in total.lessons})
    columns = ("student", *map(plan.title, lessons), "points", "of")
    rows = []
    for total in students:
        points = [total.lessons[lesson][0] if lesson in total.lessons else None for lesson in lessons]
        rows.append((total.student, *points, total.points, total.of))
    return page.table("Points of every student", columns, rows)
