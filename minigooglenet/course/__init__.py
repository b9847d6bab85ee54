"""The course around the exercises: notebooks and their sources, handouts for students, releases, and grading."""
