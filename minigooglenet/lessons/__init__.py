"""The exercises themselves, one file or two for each lesson."""
