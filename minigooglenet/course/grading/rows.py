"""The rows of the CSV: what was marked of a notebook, and why there is nothing to mark."""

from minigooglenet.course.grading.comparer import FAILED, MISSING
from minigooglenet.exercises.find import everything


def rows_of(handed, marked, reason) -> list[dict]:
    """Return a row for each exercise of a notebook.

    marked : what `judge.judge` returns, or None;  reason : why there is no answer, where nothing else says why
    """
    if marked is None:
        return [row_of(handed.student, handed.name, number, FAILED, reason) for number in handed.numbers]
    predicted, notes = marked["predicted"], []
    if predicted:
        notes.append(f"predicted {sum(predicted)} of {len(predicted)}")
    if marked["stopped"]:
        notes.append(f"a cell stopped: {marked['stopped'][0]}")
    rows = []
    for row in marked["rows"]:
        if row["status"] == MISSING and not row["message"]:
            row["status"], row["message"] = FAILED, marked["unreadable"] or reason
        told = "; ".join(filter(None, [row["note"], *notes]))
        rows.append({"student": handed.student, "file": handed.name, **row, "note": told})
    return rows


def row_of(student, file, number, status, message) -> dict:
    """Return a row of no points."""
    exercise = everything()[number]
    found = {"title": exercise.title, "points": 0, "of": exercise.difficulty, "mistake": None, "verified": True}
    return {
        "student": student,
        "file": file,
        "exercise": number,
        "status": status,
        "message": message,
        "note": "",
        **found,
    }
