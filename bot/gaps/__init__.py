"""Gaps: what people asked and no article answered, gathered by meaning, and what authors did about it."""
