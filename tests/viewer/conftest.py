"""Fixtures of the viewer's tests: a real browser, and pages in it that report every error of their scripts."""

import pytest

from minigooglenet.bench.page import executable


# Playwright's event loop counts as running in this thread until it is stopped, and no other test can start a loop then.
# So each module of tests starts a browser of its own.
@pytest.fixture(scope="module")
def browser():
    program = executable()
    if program is None:
        pytest.skip("no chromium was found")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Return a function that opens HTML as a file; at the end, an error in a page's console fails the test.

    Read rows of the tree and of the comparison with `text_content`. The page draws only rows that are on the screen,
    and `inner_text` of a row that is not drawn yet is empty.

    `address` is appended to the path, such as "#conv1"; other options are those of a browser context.
    """
    contexts, errors = [], []

    def opened(html, name=None, *, width=1280, height=800, address="", **options):
        path = tmp_path / (name or f"page{len(contexts)}.html")
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": width, "height": height}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri() + address)
        page.wait_for_selector("#tree [role=treeitem], :root:not(:has(#tree))", state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
