"""The command line: one file a verb, and the text that it prints."""
