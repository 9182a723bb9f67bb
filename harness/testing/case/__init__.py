"""A method under examination: what it is run on, and everything that it does there."""
