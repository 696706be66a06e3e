"""View models: pure functions from query results to what templates and charts show."""
