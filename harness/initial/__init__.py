"""W0: the convolutions that a run starts from, and a head that responds."""
