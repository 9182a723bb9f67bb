"""From flags and files to a frozen plan: what is to be run, and everything that decides its results."""
