# SPDX-License-Identifier: Apache-2.0
import check_layers
import pytest

LAYERS = """
layers = [["apps"], ["stub", "agent"], ["http", "storage", "storage/sqlite", "kube"], ["io"], ["base"]]
[inside]
kube = ["http"]
"storage/sqlite" = ["storage"]
[never]
stub = ["storage/sqlite"]
[owned]
"boost/asio" = ["io"]
"sqlite3.h" = ["storage/sqlite"]
[owned_by_tests]
headers = ["gtest/"]
"""


@pytest.fixture
def layered(tree):
    tree.write("tools/layers.toml", LAYERS)
    (tree.root / "src").mkdir()
    return tree


@pytest.mark.parametrize("name, line", [
    ("src/io/a.h", '#include "base/result.h"'),
    ("src/apps/hub/main.cc", '#include "storage/sqlite/store.h"'),
    ("src/kube/a.cc", '#include "http/message.h"'),
    ("src/io/a.cc", "#include <boost/asio/io_context.hpp>"),
    ("src/storage/sqlite/a.cc", "#include <sqlite3.h>"),
    ("src/io/a_test.cc", "#include <gtest/gtest.h>"),
    ("src/io/io_test_support.h", "#include <gtest/gtest.h>"),
    ("src/http/testing/fake.h", "#include <gtest/gtest.h>"),
    ("src/stub/a_test.cc", '#include "support/fake_kube.h"'),
    ("src/base/a.cc", "// a word about #include \"io/task.h\""),
])
def test_allowed(layered, name, line):
    layered.write(name, line)
    assert check_layers.check(layered.root) == []


@pytest.mark.parametrize("name, line, part", [
    ("src/base/a.h", '#include "io/task.h"', "base may not include io"),
    ("src/stub/a.cc", '#include "agent/agent.h"', "stub may not include agent"),
    ("src/agent/a_test.cc", '#include "stub/stub.h"', "agent may not include stub"),
    ("src/http/a.cc", '#include "kube/client.h"', "http may not include kube"),
    ("src/stub/a.cc", '#include "storage/sqlite/store.h"', "stub may not include storage/sqlite"),
    ("src/http/a.cc", " #  include <boost/asio.hpp>", "only in io"),
    ("src/storage/a.cc", "#include <sqlite3.h>", "only in storage/sqlite"),
    ("src/io/a.cc", "#include <gtest/gtest.h>", "tests only"),
    ("src/io/a.cc", '#include "task.h"', "path from src/"),
    ("src/io/a.cc", '#include "other/task.h"', "in no folder"),
    ("src/http/a.cc", '#include "support/fake_kube.h"', "in no folder"),
    ("src/other/a.cc", "", "in no layer"),
])
def test_refused(layered, name, line, part):
    layered.write(name, line)
    problems = check_layers.check(layered.root)
    assert len(problems) == 1 and part in problems[0]


def test_cmake_dependencies_follow_the_layers(layered):
    layered.write("src/io/CMakeLists.txt", "roadstead_library(io DEPS base http LINK Boost::headers)")
    assert check_layers.check(layered.root) == ["src/io/CMakeLists.txt: io may not depend on http"]


def test_test_dependencies_are_free(layered):
    layered.write("src/http/CMakeLists.txt", "roadstead_library(http DEPS io base TEST_DEPS support kube)")
    assert check_layers.check(layered.root) == []


def test_edges_must_stay_inside_a_layer(layered):
    layered.write("tools/layers.toml", LAYERS.replace('kube = ["http"]', 'kube = ["io"]'))
    with pytest.raises(ValueError, match="different layers"):
        check_layers.check(layered.root)


def test_edges_must_not_form_a_pair(layered):
    layered.write("tools/layers.toml", LAYERS.replace('kube = ["http"]', 'kube = ["http"]\nhttp = ["kube"]'))
    with pytest.raises(ValueError, match="include each other"):
        check_layers.check(layered.root)
