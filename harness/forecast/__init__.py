"""How long a plan will take: its steps counted without training, their seconds measured, both put together."""
