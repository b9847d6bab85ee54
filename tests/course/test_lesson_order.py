"""The order of cells in a lesson: predictions before answers, exercises near explanations, and realistic minutes."""

import ast
import itertools
import re
from pathlib import Path

import pytest

from minigooglenet.course import handout
from minigooglenet.exercises.find import everything
from minigooglenet.lessons.lesson_00_start import glossary

jupytext = pytest.importorskip("jupytext")

README = (Path(__file__).parents[2] / "lessons" / "README.md").read_text(encoding="utf-8")
SOURCES = handout.sources()
LESSONS = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
FURTHER = "## Take it further"
MOST_CELLS = 15  # between an exercise and the heading of the next
SHORTEST_ANSWER = 4  # characters; shorter answers, such as a digit, appear everywhere
# Calls that take more than about five seconds on two cores: training, and measurements of many layers or positions.
LONG = (
    "by_letter(",
    "kept(",
    "train(",
    "trainer.run(",
    "compare_modes(",
    "distributed.simulate(",
    "region_network(",
    "trained_multibox(",
    "training.gradient_flow(",
    "starts.survey(",
    "starts.chain(",
    "small_networks.network(",
    "learned.occlusion(",
    "accuracy(view, task, 5",
    "class_probabilities(scene))",
    "ladder.measure(",
)
# Readers new to the field took 75 minutes when the sum of these was 55, and 120 minutes when it was 75.
WORDS_A_MINUTE, LINES_A_MINUTE, MINUTES_A_PREDICTION, NEW_TO_THE_FIELD = 150, 25, 0.5, 1.4


def _cells(source):
    """Return (kind, text) of each cell of a source."""
    cells = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent").cells
    return [(cell.cell_type, cell.source) for cell in cells]


def _calls(text, function):
    """Yield the arguments of each call of a function in a cell."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == function:
            yield node.args


def _numbered(cells, function):
    """Return {number: index of the cell} of the calls of predict or outcome."""
    return {
        arguments[0].value: index
        for index, (kind, text) in enumerate(cells)
        if kind == "code"
        for arguments in _calls(text, function)
    }


@LESSONS
def test_every_prediction_is_answered_in_a_later_cell(source):
    cells = _cells(source)
    predictions, outcomes = _numbered(cells, "predict"), _numbered(cells, "outcome")
    assert predictions
    assert predictions.keys() == outcomes.keys()
    assert [number for number, index in predictions.items() if not outcomes[number] > index] == []


def _words(answer):
    """Return the words that an answer always contains: constant texts, and both branches of a condition."""
    if isinstance(answer, ast.IfExp):
        return _words(answer.body) + _words(answer.orelse)
    parts = answer.values if isinstance(answer, ast.JoinedStr) else [answer]
    texts = [str(part.value).strip(" ,;") for part in parts if isinstance(part, ast.Constant)]
    return [text for text in texts if len(text) >= SHORTEST_ANSWER]


@LESSONS
def test_answer_in_words_is_in_no_earlier_cell(source):
    """The question itself may list the answer as a choice; no other cell before the answer may contain it."""
    cells = _cells(source)
    texts = [text for path in SOURCES if path.name < source.name for _, text in _cells(path)]
    first, predictions, spoiled = len(texts), _numbered(cells, "predict"), []
    texts += [text for _, text in cells]
    for index, (kind, text) in enumerate(cells):
        for number, answer in _calls(text, "outcome") if kind == "code" else ():
            question = first + predictions[number.value] - 1
            earlier = texts[:question] + texts[question + 1 : first + index]
            spoiled += [(number.value, word) for word in _words(answer) if any(word in cell for cell in earlier)]
    assert spoiled == []


def _index(cells, heading):
    """Return the index of the cell that begins with this heading."""
    return next(index for index, (_, text) in enumerate(cells) if text.startswith(heading))


def _headings(cells):
    """Return {exercise: index of its heading}."""
    result = ((index, re.match(r"#+ Exercise (\d\d\.\d+\w?):", text)) for index, (kind, text) in enumerate(cells))
    return {heading.group(1): index for index, heading in result if heading}


def _ends(cells):
    """Return {exercise: index of the last cell below its heading that checks it}."""
    ends, current = {}, None
    headings = {index: number for number, index in _headings(cells).items()}
    for index, (kind, text) in enumerate(cells):
        current = headings.get(index, current)
        calls = [a for function in ("check", "answer") for a in _calls(text, function)] if kind == "code" else []
        if current in [getattr(arguments[0], "value", None) for arguments in calls]:
            ends[current] = index
    return ends


@LESSONS
def test_exercises_are_at_most_fifteen_cells_apart(source):
    cells = _cells(source)
    headings, ends = _headings(cells), _ends(cells)
    assert headings.keys() == ends.keys() == {number for number in everything() if number[:2] == source.name[:2]}
    starts = [-1, *ends.values(), _index(cells, FURTHER)]  # cells after which the explanation of an exercise starts
    gaps = {number: index - max(start for start in starts if start < index) - 1 for number, index in headings.items()}
    closing = min(_index(cells, "## Make it break"), _index(cells, "## Claims, checked"))
    gaps["the end"] = closing - max(end for end in ends.values() if end < starts[-1]) - 1
    assert {number: gap for number, gap in gaps.items() if gap > MOST_CELLS} == {}


@LESSONS
def test_exercise_heading_states_title_difficulty_and_minutes(source):
    cells = _cells(source)
    further = _index(cells, FURTHER)
    for number, index in _headings(cells).items():
        task = everything()[number]
        assert task.core == (index < further), number
        first, empty, second, *_ = cells[index][1].splitlines()
        assert first == f"## Exercise {number}: {task.title}"
        assert empty == ""
        difficulty = f"Difficulty: {'*' * task.difficulty} of ***. About {task.minutes} minutes."
        assert second == f"{difficulty} {'Core' if task.core else 'Further'}.", number


def _minutes(cells):
    """Return the minutes for reading these cells: prose, given code, predictions and core exercises."""
    words = sum(len(text.split()) for kind, text in cells if kind == "markdown")
    code = [
        re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", text, flags=re.S) for kind, text in cells if kind == "code"
    ]
    lines = sum(bool(line.strip()) for text in code for line in text.splitlines())
    exercises = sum(everything()[number].minutes for number in _headings(cells))
    predictions = MINUTES_A_PREDICTION * len(_numbered(cells, "predict"))
    return NEW_TO_THE_FIELD * (words / WORDS_A_MINUTE + lines / LINES_A_MINUTE + predictions + exercises)


@LESSONS
def test_stated_minutes_cover_reading_and_core_exercises(source):
    cells = _cells(source)
    core = cells[: _index(cells, FURTHER)]
    stated = int(re.search(r"^About (\d+) minutes", cells[0][1], flags=re.M).group(1))
    assert stated <= 60
    assert stated - 10 <= _minutes(core) <= stated
    assert re.search(rf"^\| {source.name[:2]} .*? \| {stated} \| ", README, flags=re.M), "lessons/README.md"


@LESSONS
def test_paragraph_line_does_not_begin_like_a_list_item(source):
    """Markdown would make "* dout" at the start of a line a list item."""
    item, result = re.compile(r"[*+-] |\d+[.)] |  "), []
    for kind, text in _cells(source):
        lines = re.sub(r"\$\$.*?\$\$", "", text, flags=re.S).splitlines() if kind == "markdown" else []
        for before, line in itertools.pairwise(lines):
            if item.match(line) and before.strip() and not (item.match(before) or before.endswith(":")):
                result.append(line)
    assert result == []


@LESSONS
def test_lesson_imports_only_names_that_it_uses(source):
    """Except check, hint and so on, which students call themselves."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    for node in imports:
        if getattr(node, "module", "") != "minigooglenet.exercises":
            names = {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            assert names <= used


def _printing(cells):
    """Return the names of functions that print lines: print, and the lesson's functions that call it."""
    trees = [ast.parse(text) for kind, text in cells if kind == "code"]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {"print", "by_letter"} | {f.name for f in functions if any(True for _ in _calls(ast.unparse(f), "print"))}


def _shows_progress(text, printing):
    """Return whether a cell prints in its long loop, calls a function that prints, or passes one as an argument."""
    tree = ast.parse(text)
    loops = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.For)]
    if any("print(" in loop and any(call in loop for call in LONG) for loop in loops):
        return True
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [argument for node in calls for argument in (*node.args, *(keyword.value for keyword in node.keywords))]
    lines = any("print(" in ast.unparse(argument) for argument in given if isinstance(argument, ast.Lambda))
    names = {argument.id for argument in given if isinstance(argument, ast.Name)}
    names |= {getattr(node.func, "id", getattr(node.func, "attr", "")) for node in calls} - {"print"}
    return lines or bool(printing & names)


def test_every_long_call_is_in_a_lesson():
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    assert [call for call in LONG if not any(call in text for text in texts)] == []


@LESSONS
def test_training_cell_announces_its_time_and_shows_progress(source):
    cells, announced = _cells(source), ""
    printing = _printing(cells)
    for kind, text in cells:
        if kind == "markdown":
            announced = text
        elif any(call in text for call in LONG):
            announcement = re.sub(r"About \d+ minutes", "", announced)  # of an exercise
            assert re.search(r"\b(seconds|minutes?)\b", announcement), text
            assert _shows_progress(text, printing), text


@LESSONS
def test_lesson_shows_its_terms_and_uses_them(source):
    lesson, cells = source.name[:2], _cells(source)
    assert any(f'glossary.terms("{lesson}")' in text for kind, text in cells if kind == "code")
    prose = " ".join(" ".join(text for _, text in cells).lower().split())
    names = [term.name for term in glossary.every_term() if lesson in term.lessons]
    assert [name for name in names if name.lower() not in prose] == []


def test_glossary_has_unique_terms_for_every_lesson():
    terms = glossary.every_term()
    assert len({term.name.lower() for term in terms}) == len(terms)
    assert {lesson for term in terms for lesson in term.lessons} >= {path.name[:2] for path in SOURCES}
    assert all(term.meaning for term in terms)


def test_lesson_without_terms_raises():
    with pytest.raises(ValueError, match="no terms of lesson '99'"):
        glossary.terms("99")
