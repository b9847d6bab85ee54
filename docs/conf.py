"""How Sphinx builds these pages: `minigooglenet docs`, or `sphinx-build -W docs DIR`. Nothing is fetched."""

import sys
from importlib import metadata
from pathlib import Path

from minigooglenet.course import notebooks

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "minigooglenet"
author = "The minigooglenet authors"
copyright = f"2026, {author}"  # noqa: A001 (Sphinx reads this name)
version = release = metadata.version("minigooglenet")
language = "en-GB"
repository = notebooks.github(HERE)  # as pyproject.toml names it

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "api_pages",
    "lesson_pages",
    "mathml",
    "source_links",
]
exclude_patterns = ["README.md", "course/README.md", "_ext", "_build"]
suppress_warnings = ["myst.header", "config.cache"]  # a page may begin a heading one level down

autodoc_typehints = "none"  # the signature shows names and defaults; types and shapes are in the parameters' list
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
add_module_names = False
toc_object_entries = False

myst_enable_extensions = ["colon_fence", "dollarmath", "attrs_block"]
myst_heading_anchors = 4
nb_execution_mode = "cache"  # a lesson runs again only after it, or its code cells, have changed
nb_execution_cache_path = str(HERE / "_build" / "lessons")
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0)]

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "minigooglenet"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_theme_options = {
    "github_url": f"https://github.com/{repository}",
    "logo": {"text": "minigooglenet"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
