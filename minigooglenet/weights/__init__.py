"""Weights of a network: read from files of many kinds, checked, and written so that damage is noticed."""
