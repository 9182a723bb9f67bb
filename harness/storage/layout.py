"""Names of folders in a store that more than one part of the harness knows."""

FINISHED = "finished"
"""Records of jobs that are done, each of use only while every stage that it rests on is there."""
