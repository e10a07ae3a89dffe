# SPDX-License-Identifier: Apache-2.0
"""What a report says of figures: it must not speak in our favour."""

from __future__ import annotations

import json
from typing import Any

from harness.load import Measured
from harness.report import Other, Row, Spread, table, where_better
from sections import NO_REASON, read_reasons, why_not_met, with_headings
from tunnel.runs import BEST_PEER, Limit, Runs, us_each


def window(cpu: float, done: int = 1000, failures: int = 0, **more: Any) -> Measured:
    fields: dict[str, Any] = {"bytes": 0, "p50": 100.0, "p99": 200.0, **more}
    return Measured(1.0, done, failures, "", cpu={"hub": cpu}, peak={"hub": 1 << 20}, own_cpu=0.1, **fields)


def runs(**ways: list[Measured | None]) -> Runs:
    made = Runs()
    for way, windows in ways.items():
        for one in windows:
            made.add("get", way.replace("_", "-"), one)
    return made


def cpu(made: Runs, *limits: Limit) -> Row:
    return made.row("get", "CPU", "us", us_each(), *limits)


def test_the_best_variant_of_a_peer_counts() -> None:
    row = cpu(runs(ours=[window(0.1)], remotedialer_h1=[window(0.4)], remotedialer_h2=[window(0.3)]))
    assert row.others["remotedialer"] == Other(Spread.of([300.0]), "h2")


def test_a_variant_that_failed_is_not_the_best() -> None:
    row = cpu(runs(ours=[window(0.1)], remotedialer_h1=[window(0.4)], remotedialer_h2=[window(0.3, failures=1)]))
    assert row.others["remotedialer"].note == "h1"


def test_a_window_in_which_nothing_came_has_no_figure() -> None:
    row = cpu(runs(ours=[window(0.1)], remotedialer_h1=[window(0.0, done=0)]))
    assert "remotedialer" not in row.others
    assert cpu(runs(ours=[window(0.1, done=0)], haproxy=[window(0.1)]), Limit(1.5, "haproxy")).met is False


def test_the_best_peer_is_known_only_when_both_ran() -> None:
    limit = Limit(1 / 2, BEST_PEER, "1/2")
    one = {"ours": [window(0.1)], "remotedialer_h1": [window(0.3)]}
    assert cpu(runs(**one), limit).met is None
    both = cpu(runs(**one, konnectivity_h1=[window(0.15)]), limit)
    assert both.met is False
    assert both.aim == "<= 75.0 (1/2 x best peer)"


def test_every_limit_must_hold() -> None:
    made = runs(ours=[window(0.1)], haproxy=[window(0.05)], envoy=[window(0.2)])
    assert cpu(made, Limit(1.5, "envoy")).met is True
    assert cpu(made, Limit(1.5, "envoy"), Limit(1.5, "haproxy")).met is False
    assert cpu(made, Limit(1.5, "envoy"), Limit(1, BEST_PEER)).met is None


def test_who_gave_nothing_did_not_do_without_failures() -> None:
    made = runs(ours=[window(0.1)], konnectivity_h1=[window(0.0, done=0)], konnectivity_h2=[window(0.1, failures=3)])
    row = made.failed("get", "GET")
    assert row.others["konnectivity"] == Other(Spread.of([3.0]), "h2 1,000 good")
    assert row.met is True
    assert runs(ours=[window(0.1), None]).failed("get", "GET").met is False


def test_differences_are_taken_within_a_repeat() -> None:
    made = runs(ours=[window(0.1, p50=300.0), None, window(0.1, p50=900.0)], direct=[window(0.0, p50=100.0)] * 3)
    row = made.row("get", "added", "ms", lambda w: w.p50, base=("get", "direct"))
    assert row.value.values == (200.0, 800.0)
    assert "direct" not in row.others


def test_a_better_peer_is_told_first() -> None:
    rows = [
        Row("rate", Spread.of([100, 90, 110]), "1/s", others={"konnectivity": Other(Spread.of([120]))}, more=True),
        Row("delay", Spread.of([1.0]), "ms", others={"konnectivity": Other(Spread.of([0.5, 0.4, 1.1]))}),
        Row("the same", Spread.of([1000.0]), "ms", others={"konnectivity": Other(Spread.of([999.0]))}),
    ]
    assert where_better(rows, ["konnectivity"]) == [
        "rate: konnectivity 120, ours 100 [90.0 110] 1/s",
        "delay: konnectivity 0.50 [0.40 1.10], ours 1.00 ms; the ranges overlap",
    ]


def test_a_row_survives_json() -> None:
    row = Row("r", Spread.of([1.0, 3.0]), "ms", "<= 2", True, {"haproxy": Other(Spread.of([2.0]), "n")}, more=True, ratios=False)
    assert Row.of_json(json.loads(json.dumps(row.json()))) == row
    assert Row.of_json({"row": "r", "value": None, "unit": "", "aim": "", "met": None}).value == Spread(())


def test_the_table_shows_ratios_and_what_is_missing() -> None:
    rows = [Row("r", Spread.of([50.0]), "us", others={"haproxy": Other(Spread.of([25.0]))}), Row("none", Spread.of([]), "us")]
    lines = table(rows, ["haproxy"])
    assert lines[1].endswith("25.0 x2.00")
    assert lines[2].split() == ["none", "none", "us"]


def titled(*titles: str) -> list[Row]:
    return [Row(title, Spread.of([2.0]), "ms", "<= 1", False) for title in titles]


def test_the_whole_table_is_in_the_order_of_the_aims() -> None:
    rows = titled("hub killed, 9 Agents: back", "bulk down, one stream", "bulk down, one stream over a path", "small GET, 1 client: CPU")
    lines = with_headings(rows, [])
    titles = [line.split("  ")[1] for line in lines if line.endswith("NO")]
    assert titles == ["small GET, 1 client: CPU", "bulk down, one stream", "bulk down, one stream over a path", "hub killed, 9 Agents: back"]


def test_a_section_without_an_aim_says_that_it_was_not_measured() -> None:
    lines = with_headings([*titled("small GET, 1 client: CPU"), Row("500 requests/s: p50", Spread.of([1.0]), "ms")], [])
    assert "Small GET, 1, 16 and 64 clients" in lines
    assert "Fixed 500 requests/s: NOT MEASURED" in lines
    assert "Bulk, one and eight streams: NOT MEASURED" in lines


def test_a_row_in_no_section_is_shown_too() -> None:
    assert with_headings(titled("something new"), [])[-1].startswith("  something new")


def test_the_most_exact_reason_is_told_and_only_where_an_aim_is_not_met() -> None:
    rows = [*titled("a: CPU", "a: rate", "b"), Row("a: good", Spread.of([1.0]), "ms", "<= 1", True)]
    assert why_not_met(rows, {"a": "in general", "a: CPU": "for this"})[1::2] == ["    for this", "    in general", f"    {NO_REASON}"]


def test_reasons_can_be_read() -> None:
    assert all(read_reasons().values())
