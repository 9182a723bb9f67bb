"""Tuning: one Optuna study per entry, equal budgets, validation images only."""
