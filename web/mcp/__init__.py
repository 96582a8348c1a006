"""The help desk as tools for language models: the Model Context Protocol over HTTP and over standard streams."""
