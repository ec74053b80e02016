"""Priors with denoisers, and posteriors of linear problems, in closed form."""
