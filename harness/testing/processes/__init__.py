"""A process of its own for each check."""
