"""Is a backward right? Held against differences of the forward."""

from minigooglenet.gradcheck.direction import Slope, directional_check

__all__ = ["Slope", "directional_check"]
