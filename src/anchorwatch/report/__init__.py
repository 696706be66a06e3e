"""Two tables compared: what drifted, what broke, how well the model does; as text, page, file or plot."""
