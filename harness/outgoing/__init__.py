"""What leaves this process as text: without secrets, without this machine's paths, with every character seen."""
