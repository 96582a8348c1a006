"""The pages of the help centre, rendered on the server; they work without JavaScript."""
