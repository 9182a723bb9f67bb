"""From a cell of the leaderboard to the device: its network found, exported, measured, and held to a margin."""
