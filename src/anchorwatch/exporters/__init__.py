"""Anchorwatch's figures in other people's systems: Prometheus, Alertmanager, Grafana."""
