"""How fast the engine is on this machine: algorithm by algorithm, node by node, and beside other engines."""
