"""Two networks held against each other for `harness gate`: their scores read, joined and judged."""
