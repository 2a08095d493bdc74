"""A wire between two segments, in network namespaces: what the e2e tests and the demo stand on. Linux, root, stdlib."""
