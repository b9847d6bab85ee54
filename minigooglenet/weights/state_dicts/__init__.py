"""State dicts, {name: array}, of public networks: one file for the names of each, and the list of all."""
