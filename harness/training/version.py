"""The version of what stages compute, a part of every key: stored stages of another version are no longer found.

Raise it with whatever changes a bit of what a stage gives: a training, W0's head, pretraining, scores, thresholds.
Otherwise old results in people's stores pass for new ones. Two things have a version of their own: decoded pixels
(`DECODING` in `harness.images.decoding`) and what a data set draws or labels (its ``version``).

tests/harness/training/test_version.py asks for the decision whenever the code behind a stage changes.
"""

TRAINING_VERSION = 3
