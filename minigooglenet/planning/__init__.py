"""Plans: graphs prepared for inference. The package is not called `plan`, because `mg.plan` is a function."""

from minigooglenet.planning.planner import Plan, plan

__all__ = ["Plan", "plan"]
