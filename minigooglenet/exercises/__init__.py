"""Exercises that answer back: checks that know what people get wrong, hints, predictions and numbers to work out.

This is the framework, without content. The lessons are packages of their own; `add_lessons` adds them.
"""

from minigooglenet.exercises.cards import quiz
from minigooglenet.exercises.checking import check
from minigooglenet.exercises.comparing import compare
from minigooglenet.exercises.find import add_lessons
from minigooglenet.exercises.hints import hint
from minigooglenet.exercises.predicting import outcome, predict
from minigooglenet.exercises.questions import answer, ask

__all__ = ["add_lessons", "answer", "ask", "check", "compare", "hint", "outcome", "predict", "quiz"]
