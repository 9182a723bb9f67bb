"""One page of results as HTML."""
