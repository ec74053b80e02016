"""What is run, scored and shown."""
