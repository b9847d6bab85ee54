"""Exercises: checks that recognise common mistakes, hints, predictions and questions that ask for a number.

This is the framework, without content. Each course of lessons is a separate package; `add_lessons` adds it.
"""

from minigooglenet.exercises.cards import quiz
from minigooglenet.exercises.checking import check
from minigooglenet.exercises.comparing import compare
from minigooglenet.exercises.find import add_lessons
from minigooglenet.exercises.hints import hint
from minigooglenet.exercises.predicting import outcome, predict
from minigooglenet.exercises.questions import answer, ask

__all__ = ["add_lessons", "answer", "ask", "check", "compare", "hint", "outcome", "predict", "quiz"]
