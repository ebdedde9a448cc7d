"""How many calls a machine carries, and whether anything grows while calls come and go."""
