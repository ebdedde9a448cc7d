"""Models that hear and speak by themselves, and the cascade that takes over when one fails."""
