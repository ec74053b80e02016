"""Reads image folders: finds files, patients, splits and the meaning of values."""
