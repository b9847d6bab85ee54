"""The lessons of the course, one folder per lesson.

A folder contains the source of the notebook, the exercises by subject, the helpers that only this lesson needs, and the
quiz. A helper that several lessons need is in the folder of the first of them. The name of a source, such as
`05_layers.py`, is not a valid module name, so it is never imported by accident. The notebooks in the project's folder
`lessons` are generated from the sources.
"""
