"""Results kept by what decided them: canonical forms, the stage store, files whole or absent."""
