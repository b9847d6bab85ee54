"""The lessons as pages: with the outputs of the reference solutions; solutions and hints are folded.

The notebooks are made from the sources in `minigooglenet/lessons`, as those for students are. myst-nb runs them.
"""

import hashlib
import re
from pathlib import Path

import generated
import jupytext
import nbformat

from minigooglenet.course import notebooks
from minigooglenet.exercises.find import find

ROOT = Path(__file__).parents[2]
EXERCISE = re.compile(r"^# exercise (\d\d\.\d+\w?)$", re.MULTILINE)
FIRST = """\
{{.lesson-links}}
{{download}}`Download the notebook <../../lessons/{name}.ipynb>`
[Open in Colab]({colab})
"""


def write(folder: Path, repository: str):
    """Write the notebooks."""
    sources = notebooks.lesson_files(ROOT / "minigooglenet" / "lessons")
    texts = {f"{path.stem}.ipynb": _page(path.read_text(encoding="utf-8"), path.stem, repository) for path in sources}
    generated.write(folder, texts)


def _page(text, name, repository):
    notebook = jupytext.reads(text, fmt="py:percent")
    cells = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            cells.append(_markdown(cell.source))
            if number == 0:
                cells.append(_markdown(FIRST.format(name=name, colab=notebooks.colab_url(repository, f"{name}.ipynb"))))
        elif notebooks.BEGIN in cell.source:
            cells.append(_markdown(f"```python\n{notebooks.without_solution(cell.source)}\n```\n{_hints(cell.source)}"))
            cells.append(_code(_without_markers(cell.source), "Show a solution", "Hide the solution"))
        else:
            cells.append(_code(cell.source))
    for number, cell in enumerate(cells):
        cell["id"] = hashlib.sha256(f"{name}/{number}/{cell.source}".encode()).hexdigest()[:12]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=notebooks.METADATA)
    notebook.nbformat_minor = 5
    return nbformat.writes(notebook) + "\n"


def _hints(source):
    """Return the hints of the exercise that a cell names, folded."""
    named = EXERCISE.search(source)
    if named is None:
        return ""
    hints = "\n".join(f"{step}. {hint}" for step, hint in enumerate(find(named.group(1)).hints, start=1))
    return f"\n:::{{dropdown}} Hints for {named.group(1)}\n{hints}\n:::"


def _without_markers(source):
    return "\n".join(line for line in source.splitlines() if line.strip() not in (notebooks.BEGIN, notebooks.END))


def _markdown(source):
    return nbformat.v4.new_markdown_cell(source)


def _code(source, show=None, hide=None):
    cell = nbformat.v4.new_code_cell(source)
    if show:
        cell.metadata = {"tags": ["hide-input"], "mystnb": {"code_prompt_show": show, "code_prompt_hide": hide}}
    return cell


def setup(app):
    """Write the notebooks before Sphinx looks for pages."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "lessons", app.config.repository))
    app.add_config_value("repository", "", "env")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
