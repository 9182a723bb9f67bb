"""Who has the jobs of a plan done: processes of this machine, or of a cluster."""
