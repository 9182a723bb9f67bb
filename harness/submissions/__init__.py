"""Results that travel as one file: written from MLflow, read without trust, verified, and merged with others'."""
