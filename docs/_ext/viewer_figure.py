"""The figure of the home page and the README: the page that `minigooglenet view` writes, in a browser.

`python docs/_ext/viewer_figure.py` writes it again. It needs Chromium and the extra `dev`.
"""

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import minigooglenet as mg
from minigooglenet.bench.page import executable

FILE = Path(__file__).parents[1] / "_static" / "viewer.png"
SIZE = {"width": 1440, "height": 960}
NODE = "inception_3a/5x5"


def write(file=FILE):
    """Write a screenshot of GoogLeNet with a photograph: module 3a unfolded, and a receptive field."""
    page = mg.view("googlenet", mg.data.photograph(), select=NODE, panel="field")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page.save(Path(folder, "page.html"))
        browser = driver.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light")
        tab.goto(Path(folder, "page.html").as_uri())
        tab.mouse.move(0, 0)
        image = Image.open(io.BytesIO(tab.screenshot()))
        browser.close()
    image.convert("RGB").quantize(256).save(file, optimize=True)


if __name__ == "__main__":
    write()
