"""From labels and scores to numbers: rates, thresholds, AUC, intervals, families of tests."""
