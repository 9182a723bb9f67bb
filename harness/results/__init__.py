"""Published results, in MLflow and back; no torch."""
