"""From a plan to published results: cells, worker processes, and what MLflow keeps of them."""
