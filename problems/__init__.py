"""What is measured: inverse problems y = A x + n and the images they are posed on."""
