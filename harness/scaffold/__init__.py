"""`harness new`: the beginning of somebody's own method."""
