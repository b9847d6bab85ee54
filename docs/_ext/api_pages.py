"""The API reference: one page for each public module, written from its `__all__`, so that no name can be forgotten."""

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import generated

import minigooglenet as mg

TOP = "top-level"


def pages():
    """Return {page: (title, introduction, [full names of functions and classes])}."""
    made = {}
    own = [name for name in mg.__all__ if not isinstance(getattr(mg, name), ModuleType) and callable(getattr(mg, name))]
    made[TOP] = (
        "minigooglenet",
        "What `import minigooglenet as mg` offers at the top.",
        [f"minigooglenet.{n}" for n in own],
    )
    modules = [getattr(mg, name) for name in mg.__all__ if isinstance(getattr(mg, name), ModuleType)]
    for module in modules:
        short = module.__name__.removeprefix("minigooglenet.")
        names = []
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, ModuleType):
                names += [f"{value.__name__}.{inner}" for inner in getattr(value, "__all__", ())]
            elif callable(value):
                names.append(f"{module.__name__}.{name}")
        made[short] = (f"mg.{short}", inspect.getdoc(module), names)
    return made


def write(folder: Path):
    """Write the pages and their index."""
    made = pages()
    texts = {"index.md": _index(made)} | {f"{page}.rst": _page(*content) for page, content in made.items()}
    generated.write(folder, texts)


def _index(made):
    head = "# API reference\n\nEvery public name, with an example that the tests run. Shapes use the letters of\n"
    head += "[the conventions](../conventions.md): N images, C channels, H x W pixels.\n\n"
    rows = "\n".join(f"| [{title}]({page}.rst) | {intro.splitlines()[0]} |" for page, (title, intro, _) in made.items())
    tree = "\n".join(made)
    return f"{head}| module | what is in it |\n|---|---|\n{rows}\n\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"


def _page(title, introduction, names):
    parts = [title, "=" * len(title), "", introduction, ""]
    for full in names:
        owner, _, name = full.rpartition(".")
        value = getattr(importlib.import_module(owner), name)
        kind = "autoclass" if inspect.isclass(value) else "autofunction"
        parts += ["", name if title != "mg.kernels" else f"{owner.rpartition('.')[2]}.{name}"]
        parts += ["-" * len(parts[-1]), "", f".. {kind}:: {full}", *["   :members:"] * inspect.isclass(value)]
    return "\n".join(parts) + "\n"


def _skip(app, what, name, member, skip, options):
    """Leave out fields, which the class lists as attributes, and old names."""
    text = inspect.getdoc(member) or ""
    return True if re.match(r"Alias for field number|(The old|Old) name of", text) else None


def setup(app):
    """Write the pages before Sphinx looks for pages."""
    app.connect("autodoc-skip-member", _skip)
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "api"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
