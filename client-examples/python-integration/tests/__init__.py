"""Tests of the integration, against a real server where it takes one."""
