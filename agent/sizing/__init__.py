"""How many calls this machine carries: `parley tune --calls`."""
