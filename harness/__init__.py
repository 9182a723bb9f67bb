"""Pruning methods side by side on imbalanced images: how small before a network misses more positives."""

__version__ = "0.1.0"
