"""Pages that extensions generate: only those that have changed are written, so that a second build is quick."""


def write(folder, texts):
    """Write {file name: text} to a folder, and remove its other files."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
    for path in folder.iterdir():
        if path.is_file() and path.name not in texts:
            path.unlink()
