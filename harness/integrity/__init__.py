"""Whether what is kept is what was computed, and whether this machine is fit to compute."""
