"""Graphs prepared for inference. The package is not called `plan`, because `mg.plan` is its function."""

from minigooglenet.planning.planner import Plan, plan

__all__ = ["Plan", "plan"]
