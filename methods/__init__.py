"""Built-in pruning methods: one file, one method (or one family)."""
