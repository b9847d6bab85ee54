"""Notes compare with the handout: what was handed out is nobody's, and solutions and the engine are recognised."""

import ast
import json
from pathlib import Path

import pytest

from minigooglenet.course import answers, handout, originality, release
from minigooglenet.exercises.find import everything

LESSONS = Path(__file__).parents[2] / "lessons"
NOTEBOOKS = sorted(LESSONS.glob("[0-9][0-9]_*.ipynb"))


def numbers(lesson):
    return tuple(number for number in everything() if number.startswith(f"{lesson}."))


def notes_of(*files, lesson="01", handout=None):
    handed = [(path.stem, path, numbers(lesson)) for path in files]
    return [{number: told for number, told in each.items() if told} for each in originality.notes(handed, handout)]


def write(path, *sources):
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_untouched_handout_has_no_note(path):
    assert notes_of(path, lesson=path.stem[:2]) == [{}]


def test_two_untouched_handouts_are_not_the_same_file(tmp_path):
    copies = [tmp_path / f"{name}.ipynb" for name in ("ada", "bob")]
    for copy in copies:
        copy.write_bytes(NOTEBOOKS[1].read_bytes())
    assert notes_of(*copies) == [{}, {}]


class Renamed(ast.NodeTransformer):
    """Every local name of a function gets another one."""

    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.names.get(node.arg, node.arg)
        return node


def disguised(source):
    """Return a cell without comments, spaced in another way, with other names of variables in its functions."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    for place, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef):
            nodes = list(ast.walk(node))
            stored = {each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
            mine = stored | {each.arg for each in nodes if isinstance(each, ast.arg)}
            tree.body[place] = Renamed({name: f"my_{name}" for name in mine}).visit(node)
    return ast.unparse(tree)


@pytest.mark.parametrize("change", [lambda source: source, disguised], ids=["word for word", "disguised"])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_official_solutions_are_noted(path, change, tmp_path):
    made = json.loads((LESSONS / "solutions" / path.name).read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    (found,) = notes_of(write(tmp_path / "ada.ipynb", *map(change, sources)), lesson=path.stem[:2])
    assert [told for number, told in found.items() if number and told[0].startswith("the same code as the official")]
    assert ("" in found and "markers" in found[""][0]) == (change is not disguised)


IMPORTS = "import numpy as np\nimport minigooglenet as mg\nfrom minigooglenet.kernels import conv2d, im2col\n"
IMPORTS += "from minigooglenet.exercises import check"
HEAD = "def conv_forward(x, w, b, stride, pad):\n    "
DELEGATED = {
    "a call": f"{HEAD}return conv2d.forward(x, w, b, stride, pad)",
    "through the package": f"{HEAD}return mg.kernels.conv2d.forward(x, w, b, stride, pad)",
    "the kernel itself": "conv_forward = conv2d.forward",
    "through a helper": f"def helper(*all):\n    return conv2d.forward(*all)\n{HEAD}return helper(x, w, b)",
    "imported inside": f"{HEAD}from minigooglenet.kernels.loops import conv2d as c\n    return c.forward(x, w, b)",
    "by a text": f"{HEAD}return importlib.import_module('minigooglenet.kernels.conv2d').forward(x, w, b)",
    "a layer": f"{HEAD}return mg.layers.Conv2d(3, 4, 3).forward(x)",
}


@pytest.mark.parametrize("source", DELEGATED.values(), ids=DELEGATED)
def test_the_engines_own_kernel_is_noted(source, tmp_path):
    (found,) = notes_of(write(tmp_path / "ada.ipynb", IMPORTS, source, "check('01.3', conv_forward)"))
    assert found["01.3"][0].startswith("leaves the work to the engine: ")
    (found,) = notes_of(write(tmp_path / "bob.ipynb", IMPORTS, source.replace("conv_forward", "f"), "check('01.3', f)"))
    assert "01.3" in found


def test_the_engine_is_not_noted_if_the_exercise_allows_it(tmp_path):
    source = "def inception(x, weights, biases):\n    return conv2d.forward(x, weights, biases, 1, 0)"
    name = everything()["07.3"].name
    assert notes_of(write(tmp_path / "ada.ipynb", IMPORTS, source.replace("inception", name)), lesson="07") == [{}]


def test_an_own_answer_has_no_note(tmp_path):
    local = "def conv_forward(x, w, b, stride, pad):\n    mg = im2col = conv2d = x\n    return mg + conv2d * im2col"
    short = "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))"
    assert notes_of(write(tmp_path / "ada.ipynb", IMPORTS, local, "check('01.3', conv_forward)")) == [{}]
    assert notes_of(write(tmp_path / "bob.ipynb", IMPORTS, short, "check('03.1', conv_db)"), lesson="03") == [{}]


@pytest.mark.parametrize(
    "source",
    [
        "def f(*all):\n    return find('01.3').reference_function(*all)",
        "f = getattr(find('01.3'), 'reference_function')",
        "from minigooglenet.lessons.lesson_01_feature_map.one_value import conv_at as f",
        "import minigooglenet.lessons.lesson_01_feature_map.one_value as hidden\nf = hidden.conv_at",
    ],
)
def test_looking_up_a_right_answer_is_noted(source, tmp_path):
    (found,) = notes_of(write(tmp_path / "ada.ipynb", IMPORTS, source, "check('01.3', f)"))
    assert found[""][0].startswith("looks up right answers: ")


def test_a_handout_cell_with_an_added_line_has_no_note(tmp_path):
    made = json.loads((LESSONS / "04_trust.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    sources[0] += "\nimport math"
    assert notes_of(write(tmp_path / "ada.ipynb", *sources), lesson="04") == [{}]


OWN = """
def conv_forward(x, w, b, stride, pad):
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows = range(0, padded.shape[2] - w.shape[2] + 1, stride)
    columns = range(0, padded.shape[3] - w.shape[3] + 1, stride)
    made = [[padded[:, :, i : i + w.shape[2], j : j + w.shape[3]] for j in columns] for i in rows]
    return np.einsum("ijncuv,kcuv->nkij", np.array(made), w) + b[None, :, None, None]
"""


def test_two_files_that_are_the_same_are_noted_on_both(tmp_path):
    files = [write(tmp_path / f"{name}.ipynb", IMPORTS, OWN) for name in ("ada", "bob", "cem", "dan", "eve")]
    found = notes_of(*files)
    assert found[0][""] == ["the same file as bob, cem, dan and 1 more"]
    assert found[4][""] == ["the same file as ada, bob, cem and 1 more"]


def test_code_that_two_share_is_noted_whatever_the_names(tmp_path):
    ada = write(tmp_path / "ada.ipynb", IMPORTS, OWN)
    bob = write(tmp_path / "bob.ipynb", IMPORTS, "# by bob\n" + OWN)
    cem = write(tmp_path / "cem.ipynb", IMPORTS, disguised(OWN), "x = 3")
    dan = write(tmp_path / "dan.ipynb", IMPORTS, OWN.replace("stride)", "stride * 1)"))
    found = notes_of(ada, bob, cem, dan)
    assert found[0][""] == ["the same code as bob"]
    assert found[2]["01.3"] == ["the same code as ada, bob"]
    assert found[3] == {}


def test_a_courses_own_handout_is_what_counts(tmp_path):
    (tmp_path / "src").mkdir()
    text = (handout.sources()[1]).read_text(encoding="utf-8")
    peek = "from minigooglenet.lessons.lesson_01_feature_map.one_value import something"
    (tmp_path / "src" / "01_feature_map.py").write_text(f"{text}\n\n# %%\n{peek}\n", encoding="utf-8")
    release.release(tmp_path / "src", tmp_path / "out")
    path = tmp_path / "out" / "01_feature_map.ipynb"
    assert "looks up" in notes_of(path)[0][""][0]
    assert notes_of(path, handout=tmp_path / "out") == [{}]


def test_a_file_that_cannot_be_read_has_no_note(tmp_path):
    (tmp_path / "ada.ipynb").write_text("{", encoding="utf-8")
    assert notes_of(tmp_path / "ada.ipynb") == [{}]


def test_code_without_end_has_a_note_and_no_traceback(tmp_path):
    source = "def conv_forward(x):\n    return " + "+".join(["x"] * 2000)
    (found,) = notes_of(write(tmp_path / "ada.ipynb", IMPORTS, source))
    assert found in ({"": ["its code is nested too deeply to be compared"]}, {})  # as deep as this Python allows


def test_a_renamed_helper_does_not_hide_a_solution(tmp_path):
    made = json.loads((LESSONS / "solutions" / "01_feature_map.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    mine = [disguised(source).replace("conv_at", "one_pixel") for source in sources]
    (found,) = notes_of(write(tmp_path / "ada.ipynb", *mine))
    assert {number for number, told in found.items() if "official" in told[0]} >= {"01.1", "01.3"}


def test_answers_ignore_names_and_not_operations():
    plain, renamed = (ast.parse(f"def f({a}):\n    '''Text.'''\n    return {a} + 1").body[0] for a in "ab")
    other = ast.parse("def f(a):\n    return a - 1").body[0]
    assert answers.canonical(plain) == answers.canonical(renamed) != answers.canonical(other)


def test_the_engine_is_not_noted_where_the_course_allows_it(tmp_path):
    path = write(tmp_path / "ada.ipynb", IMPORTS, DELEGATED["a call"], "check('01.3', conv_forward)")
    handed = [("ada", path, numbers("01"))]
    assert "leaves the work to the engine" in originality.notes(handed, allowed={"engine": False})[0]["01.3"][0]
    assert not any(originality.notes(handed, allowed={"engine": True})[0].values())


def test_scipy_is_noted_only_where_the_course_forbids_it(tmp_path):
    path = write(tmp_path / "ada.ipynb", IMPORTS, "from scipy import signal\n" + OWN)
    handed = [("ada", path, numbers("01"))]
    assert originality.notes(handed, allowed={"scipy": False})[0][""] == [
        "uses SciPy, which this course does not allow"
    ]
    for allowed in ({}, {"scipy": True}):
        assert not any(originality.notes(handed, allowed=allowed)[0].values())


def test_shared_code_is_not_noted_where_students_may_share_it(tmp_path):
    handed = [(name, write(tmp_path / f"{name}.ipynb", IMPORTS, OWN), numbers("01")) for name in ("ada", "bob")]
    assert [len(each[""]) for each in originality.notes(handed, allowed={"each_other": False})] == [1, 1]
    assert not any(any(each.values()) for each in originality.notes(handed, allowed={"each_other": True}))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_untouched_handout_has_no_note_whatever_is_allowed(path):
    handed = [("ada", path, numbers(path.stem[:2]))]
    for value in (True, False):
        allowed = dict.fromkeys(("engine", "scipy", "each_other", "assistants"), value)
        assert not any(originality.notes(handed, allowed=allowed)[0].values())


def test_a_courses_own_solutions_are_compared_with(tmp_path):
    (tmp_path / "src").mkdir()
    solved = OWN.replace("    return", "    ### BEGIN SOLUTION\n    return", 1) + "    ### END SOLUTION\n"
    source = f"# %%\n# exercise 01.3\n{solved}\n\n# %%\ncheck('01.3', conv_forward)\n"
    (tmp_path / "src" / "01_feature_map.py").write_text(source, encoding="utf-8")
    release.release(tmp_path / "src", tmp_path / "out", tmp_path / "hidden")
    path = write(tmp_path / "ada.ipynb", IMPORTS, OWN, "check('01.3', conv_forward)")
    handed = [("ada", path, numbers("01"))]
    assert not any(originality.notes(handed)[0].values())
    (found,) = originality.notes(handed, tmp_path / "out", solutions=tmp_path / "hidden")
    assert found["01.3"] == ["the same code as the official solution"]
