"""What goes to a device: one script that needs nothing of the harness."""
