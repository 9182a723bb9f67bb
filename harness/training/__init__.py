"""One training: epochs, augmentation, schedule, and reading a network's outputs."""
