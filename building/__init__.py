"""The work behind build.py's commands: environments, staging, zip, demo, tests, benchmarks."""
