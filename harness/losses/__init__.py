"""What networks are trained to lower, by round."""
