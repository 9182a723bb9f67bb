"""Figures in sentences."""
