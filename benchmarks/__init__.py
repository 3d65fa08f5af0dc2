"""Side-by-side measurements that anyone with the data can run again; RESULTS.md keeps their last figures."""
