"""Who plays in a story, what they share, and the fixtures that stories start from."""
