"""Links from a page to a file of the repository that is not a page: they lead to the repository on the web."""

import os
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

ROOT = Path(__file__).parents[2]


class SourceLinks(SphinxPostTransform):
    """Replace what MyST makes of `[text](../path)` before it looks for a page of that name."""

    default_priority = 5

    def run(self, **_):
        folder = Path(self.env.doc2path(self.env.docname)).parent
        for node in list(self.document.findall(lambda node: node.tagname in ("pending_xref", "download_reference"))):
            if node.get("refdomain") == "doc" or "download" in node.tagname:
                path = _file(folder, node.get("reftarget", "").partition("#")[0])
                if path:
                    kind = "tree" if path.is_dir() else "blob"
                    url = f"https://github.com/{self.config.repository}/{kind}/main/{path.relative_to(ROOT).as_posix()}"
                    link = nodes.reference("", "", *node.children, refuri=url)
                    node.replace_self(link)


def _file(folder, target):
    """Return the file or folder outside of the pages that a link leads to, or None."""
    for path in (folder / target, folder / f"{target}.md"):
        path = Path(os.path.normpath(path))
        if target and path.exists() and path.is_relative_to(ROOT) and path.suffix != ".ipynb":
            return None if path.is_relative_to(ROOT / "docs") and path.name != "README.md" else path
    return None


def setup(app):
    """Register the transform."""
    app.add_post_transform(SourceLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
