"""Other voice agents behind the same simulated stages, to be measured beside ours."""
