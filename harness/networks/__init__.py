"""The networks that are pruned, by factory name."""
