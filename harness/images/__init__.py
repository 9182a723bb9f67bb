"""From a file to pixels, and which pictures are alike."""
