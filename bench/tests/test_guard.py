# SPDX-License-Identifier: Apache-2.0
"""The judge of the hot paths' instructions: it must fail when it should, and say why."""

from __future__ import annotations

import pytest
from guard.annotated import functions_of
from guard.callgrind import CallgrindError, total_of
from guard.expected import Expected, ExpectedError, Kept
from guard.judge import Counted, Verdict, judge, updated

TOOLS = {"cpu": "x86_64 with AVX2", "libc6": "2.36-9"}
GOOD = "# callgrind format\nversion: 1\nevents: Ir\nsummary: 5\n\nfn=(1) f\n0 1200\n\ntotals: 1200\n"


def only(instructions: float | None, *, kept: Kept | None = Kept(1000, 3, "request"), error: str = "", unit: str = "request",
         tools: dict[str, str] = TOOLS) -> Verdict:
    expected = Expected(TOOLS, {"get": kept} if kept else {})
    (verdict,) = judge(expected, {"get": Counted(unit, instructions, error)}, tools)
    return verdict


@pytest.mark.parametrize("instructions", [971.0, 1000.0, 1029.0])
def test_within_the_tolerance_is_ok(instructions: float) -> None:
    assert only(instructions).ok


def test_dearer_than_the_tolerance_fails_and_says_where_to_look() -> None:
    verdict = only(1031)
    assert not verdict.ok
    assert "1,031 instructions for each request, kept 1,000: +3.10 %, 3 allowed" in verdict.text
    assert "--profile get" in verdict.text


def test_cheaper_than_the_tolerance_fails_so_that_it_is_kept() -> None:
    verdict = only(900)
    assert not verdict.ok
    assert "--update" in verdict.text


def test_a_path_without_a_kept_count_fails() -> None:
    verdict = only(1000, kept=None)
    assert not verdict.ok
    assert "no count is kept" in verdict.text


def test_a_kept_path_that_is_gone_fails() -> None:
    verdicts = judge(Expected(TOOLS, {"get": Kept(1, 3, "request"), "put": Kept(1, 3, "request")}), {"get": Counted("request", 1)}, TOOLS)
    assert [(v.name, v.ok) for v in verdicts] == [("get", True), ("put", False)]


def test_a_path_that_could_not_be_counted_fails_with_the_reason() -> None:
    verdict = only(None, error="valgrind ended with code 1")
    assert not verdict.ok
    assert "valgrind ended with code 1" in verdict.text


def test_counts_of_another_unit_are_not_compared() -> None:
    assert not only(1000, unit="MiB").ok


def test_another_library_excuses_nothing_but_is_told() -> None:
    tools = {**TOOLS, "libc6": "2.41-1"}
    assert only(1000, tools=tools).ok
    verdict = only(1100, tools=tools)
    assert not verdict.ok
    assert "libc6 2.41-1 here, 2.36-9 there" in verdict.text
    assert "2.36-9" not in only(1100).text


def test_a_total_is_read() -> None:
    assert total_of(GOOD) == 1200


@pytest.mark.parametrize(("text", "complaint"), [
    ("", "no callgrind output"),
    ("==12== valgrind: failed", "no callgrind output"),
    (GOOD.replace("totals: 1200\n", ""), "cut short"),
    (GOOD.replace("totals: 1200", "totals: 12x"), "no number"),
    (GOOD.replace("totals: 1200", "totals: 1200 7"), "no number"),
    (GOOD.replace("totals: 1200", "totals: 0"), "nothing was counted"),
    (GOOD.replace("events: Ir", "events: Ir Dr"), "not 'Ir'"),
])
def test_garbled_output_is_an_error_that_says_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(CallgrindError, match=complaint):
        total_of(text)


def test_what_is_kept_survives_its_text() -> None:
    expected = Expected(TOOLS, {"get": Kept(1000, 3, "request"), "tls": Kept(5, 1.5, "echo of 1 KiB")})
    assert Expected.parse(expected.text()) == expected


@pytest.mark.parametrize("line", ["get 1000 3", "get many 3 request", "get 0 3 request", "get 1000 0 request", "get nan 3 request",
                                  "get 1 3 r\nget 1 3 r"])
def test_a_line_that_says_nothing_is_refused(line: str) -> None:
    with pytest.raises(ExpectedError, match="line"):
        Expected.parse(line)


def test_an_update_keeps_tolerances_and_forgets_what_is_gone() -> None:
    before = Expected({"libc6": "old"}, {"get": Kept(1000, 1.5, "request"), "gone": Kept(1, 3, "request")})
    after = updated(before, {"get": Counted("request", 900.4), "new": Counted("MiB", 7)}, TOOLS)
    assert after == Expected(TOOLS, {"get": Kept(900, 1.5, "request"), "new": Kept(7, 2, "MiB")})


def test_nothing_is_kept_of_a_run_that_failed() -> None:
    with pytest.raises(ValueError, match="get could not be counted: no valgrind"):
        updated(Expected(), {"get": Counted("request", None, "no valgrind")}, TOOLS)


def test_functions_are_shown_for_each_unit() -> None:
    text = ("Ir                    file:function\n"
            "1,000 (100.0%)  PROGRAM TOTALS\n"
            "  800 (80.00%)  ???:roadstead::http::(anonymous namespace)::release(void*, void*) [/bin/hot-paths]\n"
            "  200 (20.00%)  ./malloc/./malloc/malloc.c:malloc [/lib/libc.so.6]\n")
    assert functions_of(text, 4) == [(200, "http::release(void*, void*)"), (50, "malloc")]
