"""The perf lab: Drywall beside its peers on virtual devices, one question a file. `scripts/bench` runs it; docs/perf-testing.md explains it."""
