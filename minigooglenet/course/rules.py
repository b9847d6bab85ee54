"""What a notebook says about its course: when it is due, what it gives, what is allowed; from the course file."""

from minigooglenet.course.plan import ON_TIME, USES, Plan

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July")
MONTHS += ("August", "September", "October", "November", "December")


def rules(plan: Plan, lesson: str, exercises) -> str:
    """Return the rules of a lesson in Markdown.

    exercises : all of the lesson's, also those that do not count
    """
    counted = plan.lessons[lesson].points
    lines = [f"## In this course{f': {plan.name}' if plan.name else ''}", ""]
    if due := plan.lessons[lesson].due:
        lines.append(f"- **Due** {date(due)}.{_late(plan)}")
    total = f"{round(sum(counted.values()), 2):g}"
    shown = ", ".join(f"{number} ({points:g})" for number, points in counted.items())
    lines.append(f"- **Points:** {total}. Exercises that count, with their points: {shown or 'none'}.")
    if left := [number for number in exercises if number not in counted]:
        lines.append(f"- {', '.join(left)} {'does' if len(left) == 1 else 'do'} not count; try anyway.")
    if plan.partial:
        lines.append("- A function that is right in some of the test cases earns that fraction of the points.")
    for word, allowed in (("may", True), ("may not", False)):
        if uses := [text for key, text in USES.items() if plan.allowed.get(key) is allowed]:
            lines.append(f"- **You {word} use** {', '.join(uses[:-1])}{' or ' if uses[:-1] else ''}{uses[-1]}.")
    if plan.roster:
        lines.append("- Where a cell asks for your name, write it as it is on the course's list of students.")
    return "\n".join(lines)


def date(when) -> str:
    """Return a date for people, in English on every machine."""
    day = f"{DAYS[when.weekday()]} {when.day} {MONTHS[when.month - 1]} {when.year}"
    return f"{day}, {when:%H:%M} ({getattr(when.tzinfo, 'key', None) or when.tzname()})"


def _late(plan):
    late = plan.late
    if late is None:
        return ""
    told = f" Up to {late.grace.total_seconds() / 60:g} minutes later is on time." if late.grace else ""
    if late.per_day:
        told += f" Each day after that, also one just begun, costs {late.per_day:.0%} of the points."
    if late.days is not None:
        told += (
            f" After {late.days} day{'s' * (late.days != 1)} nothing counts." if late.days else " Later is too late."
        )
    if late.copies == ON_TIME:
        told += " If you hand in several times, the last notebook in time counts."
    return told
