"""From results to figures: leaderboards, safety, comparisons, estimates."""
