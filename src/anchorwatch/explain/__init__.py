"""What measures mean together: which change probably matters."""
