"""Who speaks: the list of voices, loaded voices, and new voices from recordings."""
