"""Pages as a site that keeps its versions."""
