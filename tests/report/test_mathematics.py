from optimizer.report.mathematics import parts


def test_every_part_states_its_rules_with_symbols() -> None:
    found = {part.name: part for part in parts()}
    assert {"siting", "security", "power_flow", "cooling"} <= set(found)
    siting = {rule.name: rule for rule in found["siting"].rules}
    assert siting["stays_built"].sentence == "A site once built stays built."
    assert siting["stays_built"].algebra == "x[s,t-1] <= x[s,t]"
    assert "blocks" in found["siting"].symbols
    for part in found.values():
        assert part.subject.endswith(".")
        for rule in part.rules:
            assert rule.sentence.endswith("."), rule.name
            assert rule.algebra, rule.name
