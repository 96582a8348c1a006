"""Several replicas, a proxy and a database on one machine, under load and under fire."""
