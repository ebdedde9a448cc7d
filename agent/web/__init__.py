"""The page a person talks on, and the endpoint that lets it into a room."""
