"""The arrows of the road: take, roll, join, archive, measure, judge."""
