"""Results in, pages, figures and tables out; no torch."""
