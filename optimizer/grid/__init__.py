"""The transmission network: tables, graph, DC power flow and contingencies; numbers, no optimization."""
