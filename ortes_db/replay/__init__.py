"""The replay: three simulated systems live through a scenario against a real hub, and every cell is compared."""
