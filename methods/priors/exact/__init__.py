"""Priors whose denoiser is known in closed form, so that posteriors of linear problems are."""
