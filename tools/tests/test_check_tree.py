# SPDX-License-Identifier: Apache-2.0
import check_tree
import pytest

HEAD = "// SPDX-License-Identifier: Apache-2.0\n"


@pytest.mark.parametrize("name, text", [
    ("src/io/a.cc", "auto t = std::thread(f);"),
    ("src/base/clock.cc", "return std::chrono::system_clock::now();"),
    ("src/cli/a.cc", 'getenv("HOME");'),
    ("src/http/a.cc", "co_await io::sleep_for(clock, 1s);"),
    ("src/http/a.cc", "// TODO(#12): the peer sends none yet"),
    ("src/telemetry/a_test.cc", "std::thread t(count);"),
    ("bench/a.cc", "steady_clock::now()"),
])
def test_words_in_their_homes(tree, name, text):
    tree.write(name, HEAD + text)
    assert check_tree.check(tree.root).problems == []


@pytest.mark.parametrize("name, text", [
    ("src/net/a.cc", "co_spawn(x, y, asio::detached);"),
    ("src/net/a.cc", "SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);"),
    ("tests/support/a.cc", "SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);"),
    ("src/http/a.h", "steady_clock::now()"),
    ("src/http/a.h", "std::chrono::system_clock::now()"),
    ("src/http/a.cc", "std::thread t(f);"),
    ("src/http/a.cc", "std::jthread t(f);"),
    ("src/config/a.cc", 'std::getenv("HOME")'),
    ("src/io/a_test.cc", "std::this_thread::sleep_for(1s);"),
    ("src/io/a.cc", "// TODO: later"),
])
def test_words_elsewhere(tree, name, text):
    tree.write(name, HEAD + text)
    problems = check_tree.check(tree.root).problems
    assert len(problems) == 1 and problems[0].startswith(f"{name}:2:")


def test_sizes(tree):
    tree.write("src/io/fits.cc", HEAD + "x\n" * 499)
    tree.write("src/io/long.cc", HEAD + "x\n" * 500)
    tree.write("src/io/too_long.cc", HEAD + "x\n" * 800)
    report = check_tree.check(tree.root)
    assert [w.split(":")[0] for w in report.warnings] == ["src/io/long.cc"]
    assert [p.split(":")[0] for p in report.problems] == ["src/io/too_long.cc"]


@pytest.mark.parametrize("name", ["src/a.cc", "tools/a.py", "tools/a.toml", "src/CMakeLists.txt", "dev", "tests/go/a.go"])
def test_licence_line_is_needed(tree, name):
    tree.write(name, "text\n")
    assert check_tree.check(tree.root).problems == [f"{name}: the first lines lack '{check_tree.LICENCE}'"]


def test_empty_files_need_no_licence(tree):
    tree.write("tests/__init__.py", "")
    assert check_tree.check(tree.root).problems == []


def test_each_source_folder_has_a_short_readme(tree):
    for folder in ("none", "short", "long"):
        tree.write(f"src/{folder}/CMakeLists.txt", HEAD)
    tree.write("src/short/README.md", "x\n" * 60)
    tree.write("src/long/README.md", "x\n" * 61)
    tree.write("src/not_built/notes.txt", "x")
    problems = check_tree.check(tree.root).problems
    assert [p.split(":")[0].split(" ")[0] for p in problems] == ["src/long/README.md", "src/none/README.md"]


def test_root_is_a_fixed_set(tree):
    tree.write("notes.txt", "x")
    tree.write("README.md", "x")
    assert check_tree.check(tree.root).problems == ["notes.txt: not an entry of the root (tools/check_tree.py lists them)"]
