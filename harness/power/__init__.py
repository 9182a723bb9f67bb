"""What a study of some size could tell, before anybody trains: the power of the verdicts and comparisons."""
