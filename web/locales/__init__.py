"""The catalogs of the interface, one a language, and what keeps them in step with the code: `python -m web.locales`."""
