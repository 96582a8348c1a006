"""The knowledge base: articles in, snapshot out, ranked articles for a question. Knows no bot and no web."""
