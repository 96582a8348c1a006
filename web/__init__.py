"""What people and programs touch: pages, widget, HTTP API and command line."""
