"""Exercises that answer back: checks that know what people get wrong, hints, predictions and numbers to work out."""

from minigooglenet.exercises.checking import check
from minigooglenet.exercises.comparing import compare
from minigooglenet.exercises.hints import hint
from minigooglenet.exercises.predicting import outcome, predict
from minigooglenet.exercises.questions import answer, ask
from minigooglenet.exercises.quiz import quiz

__all__ = ["answer", "ask", "check", "compare", "hint", "outcome", "predict", "quiz"]
