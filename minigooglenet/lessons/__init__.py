"""The lessons of the course: everything about one of them is in its folder.

A folder has the source of the notebook (`05_layers.py`, whose name no import statement can reach, so it never runs by
accident), the exercises by subject, the helpers that only this lesson needs, and the quiz. A helper of several lessons
is in the folder of the first of them. The notebooks are made from the sources; they are in the project's folder
`lessons`.
"""
