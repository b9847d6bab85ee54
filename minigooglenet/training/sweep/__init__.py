"""Sweeps: the same training with a grid of settings, or with settings drawn at random, and their results."""
