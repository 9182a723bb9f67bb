"""Built-in data sets: one file, one data set."""
