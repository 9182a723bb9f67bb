"""What a board looks like drawn: Vega-Lite specifications, the same on the page and in a figure's file."""
