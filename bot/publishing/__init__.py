"""Articles from git to readers: fetched, checked, tested, built, and only then switched to."""
