"""How images are reconstructed: one file per method, each reads as its algorithm."""
