"""What a person sees in a real browser: the pages of tuvens-client and hi.events, and the way through them."""
