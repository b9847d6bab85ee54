"""The list of all exercises and questions by lesson, which `check()` and `hint()` show without an ID."""

from minigooglenet.exercises.find import everything


class Listing(str):
    """Text of several lines, which a notebook shows without quotes."""

    def __repr__(self):
        return str(self)


def listing() -> Listing:
    """Return the exercises of all lessons, each with its ID, its title and the call that answers it."""
    lines: list[str] = []
    lesson = None
    for number, exercise in everything().items():
        if number[:2] != lesson:
            lesson = number[:2]
            lines += ["", f"Lesson {lesson}"] if lines else [f"Lesson {lesson}"]
        answer = exercise.name if exercise.name.isidentifier() else "..."
        usage = f"check({number!r}, {answer})" if hasattr(exercise, "judge_function") else f"ask({number!r})"
        lines.append(f"  {number:6} {exercise.title}: {usage}")
    return Listing("\n".join(lines))
