"""Names of folders in a store that more than one part of the harness knows."""

FINISHED = "finished"
"""Records of jobs that are done, each of use only while every stage that it rests on is there."""
UNSHARED = "unshared"
"""Marks of stages that the object storage which the store mirrors has not got yet."""
