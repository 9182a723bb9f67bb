"""Bringing data sets and weights to this machine: checked, whole, or not at all."""
