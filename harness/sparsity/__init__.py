"""What is taken away: masks over weights, channels cut out, and how many of each a density leaves."""
