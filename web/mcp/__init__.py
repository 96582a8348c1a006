"""The help desk as tools for language models: the Model Context Protocol over HTTP and over standard streams."""

MISSING = "This server does not speak MCP: the package `mcp` is missing. Install it: pip install 'firstline[mcp]'"
