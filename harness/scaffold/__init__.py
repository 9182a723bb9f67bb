"""`harness new`: the beginning of somebody's own method, network or data set."""
