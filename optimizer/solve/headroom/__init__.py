"""How much load fits at each bus alone."""
