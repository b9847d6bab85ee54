"""DistBelief's parameter server (Dean et al. 2012): a simulation from a seed, and the real thing over MPI."""
