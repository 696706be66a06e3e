"""From findings to incidents: pure, each answering with a reason."""
