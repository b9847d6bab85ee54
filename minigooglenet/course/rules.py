"""The rules of a course in each notebook: due date, points, and what is allowed, from the course file."""

from minigooglenet.course.plan import ON_TIME, USES, Plan

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July")
MONTHS += ("August", "September", "October", "November", "December")


def rules(plan: Plan, lesson: str, exercises) -> str:
    """Return the rules of a lesson in Markdown.

    exercises : all exercises of the lesson, including those that do not count
    """
    counted = plan.lessons[lesson].points
    lines = [f"## In this course{f': {plan.name}' if plan.name else ''}", ""]
    if due := plan.lessons[lesson].due:
        lines.append(f"- **Due** {date(due)}.{_late(plan)}")
    total = f"{round(sum(counted.values()), 2):g}"
    shown = ", ".join(f"{number} ({points:g})" for number, points in counted.items())
    lines.append(f"- **Points:** {total}. Exercises that count, with their points: {shown or 'none'}.")
    if left := [number for number in exercises if number not in counted]:
        one = len(left) == 1
        lines.append(
            f"- {', '.join(left)} {'does' if one else 'do'} not count, but try {'it' if one else 'them'} anyway."
        )
    if plan.partial:
        lines.append("- A function that passes some of the test cases earns that fraction of the points.")
    for word, allowed in (("may", True), ("may not", False)):
        if uses := [text for key, text in USES.items() if plan.allowed.get(key) is allowed]:
            lines.append(f"- **You {word} use** {', '.join(uses[:-1])}{' or ' if uses[:-1] else ''}{uses[-1]}.")
    if plan.roster:
        lines.append("- If a cell asks for your name, write it as in the course's list of students.")
    return "\n".join(lines)


def date(when) -> str:
    """Return a readable date, in English on every machine."""
    day = f"{DAYS[when.weekday()]} {when.day} {MONTHS[when.month - 1]} {when.year}"
    return f"{day}, {when:%H:%M} ({getattr(when.tzinfo, 'key', None) or when.tzname()})"


def _late(plan):
    late = plan.late
    if late is None:
        return ""
    text = f" Up to {late.grace.total_seconds() / 60:g} minutes later still counts as on time." if late.grace else ""
    if late.per_day:
        text += f" Each day late, or part of a day, costs {late.per_day:.0%} of the points."
    if late.days:
        text += f" After {late.days} day{'s' * (late.days != 1)} nothing counts."
    elif late.days == 0:
        text += " Late notebooks do not count."
    if late.copies == ON_TIME:
        text += " If you hand in several notebooks, the last one on time counts."
    return text
