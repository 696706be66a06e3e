"""What a model service imports: light, never raises, never blocks."""
