"""The course around the exercises: notebooks from their sources, lessons on their way to students, grades."""
