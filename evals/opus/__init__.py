"""How Opus's settings sound over a bad network: `python -m evals.opus --help`."""
