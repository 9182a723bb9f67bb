"""A network that was trained elsewhere: its file read, its tensors fitted to a network of the harness's."""
