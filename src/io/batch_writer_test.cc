// SPDX-License-Identifier: Apache-2.0
#include "io/batch_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace roadstead::io {
namespace {

using std::chrono::seconds;

std::string lost_line(std::uint64_t count) { return "lost " + std::to_string(count) + "\n"; }

class Pipe {
 public:
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    reader_ = ends[0];
    writer_ = ends[1];
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  int writer() const { return writer_; }
  void close_reader() {
    if (reader_ >= 0) {
      close(std::exchange(reader_, -1));
    }
  }
  void close_writer() {
    if (writer_ >= 0) {
      close(std::exchange(writer_, -1));
    }
  }
  // Waits for them.
  std::string read_lines(std::size_t count) {
    while (static_cast<std::size_t>(std::count(read_.begin(), read_.end(), '\n')) < count) {
      char buffer[4096];
      const ssize_t n = read(reader_, buffer, sizeof(buffer));
      if (n <= 0) {
        break;
      }
      read_.append(buffer, static_cast<std::size_t>(n));
    }
    return read_;
  }

 private:
  int reader_ = -1;
  int writer_ = -1;
  std::string read_;
};

TEST(BatchWriter, WritesALoneLineAfterTheDelay) {
  Pipe pipe;
  BatchWriter writer(pipe.writer(), {.delay = std::chrono::milliseconds(1)}, lost_line);
  EXPECT_TRUE(writer.add("one\n"));
  EXPECT_EQ(pipe.read_lines(1), "one\n");
}

TEST(BatchWriter, WritesAFullBatchWithoutTheDelay) {
  Pipe pipe;
  BatchWriter writer(pipe.writer(), {.batch = 8, .delay = seconds(3600)}, lost_line);
  EXPECT_TRUE(writer.add("one\n"));
  EXPECT_TRUE(writer.add("two\n"));
  EXPECT_EQ(pipe.read_lines(2), "one\ntwo\n");
}

TEST(BatchWriter, WritesWhatWaitsAtItsEnd) {
  Pipe pipe;
  std::optional<BatchWriter> writer;
  writer.emplace(pipe.writer(), BatchWriterOptions{.delay = seconds(3600)}, lost_line);
  EXPECT_TRUE(writer->add("one\n"));
  EXPECT_TRUE(writer->add("two\n"));
  writer.reset();
  pipe.close_writer();
  EXPECT_EQ(pipe.read_lines(3), "one\ntwo\n");
}

TEST(BatchWriter, ManyLinesOfSeveralThreadsStayWhole) {
  Pipe pipe;
  constexpr int kLines = 2000;
  BatchWriter writer(pipe.writer(), {}, lost_line);
  const auto add = [&writer](char c) {
    for (int i = 0; i < kLines; ++i) {
      EXPECT_TRUE(writer.add(std::string(99, c) + "\n"));
    }
  };
  std::thread a(add, 'a');
  std::thread b(add, 'b');
  const std::string all = pipe.read_lines(2 * kLines);
  a.join();
  b.join();
  ASSERT_EQ(all.size(), 2U * kLines * 100);
  for (std::size_t i = 0; i < all.size(); i += 100) {
    ASSERT_EQ(all.substr(i, 99), std::string(99, all[i]));
  }
}

// The reader stands still: adding never waits, the bound holds, and what is lost is told.
TEST(BatchWriter, LosesAndCountsWhatIsBeyondItsBound) {
  Pipe pipe;
  ASSERT_GT(fcntl(pipe.writer(), F_SETPIPE_SZ, 4096), 0);
  BatchWriter writer(
      pipe.writer(),
      {.most_waiting = 16 * 1024, .batch = 1024, .delay = std::chrono::milliseconds(1)}, lost_line);
  // The pipe is full from the start.
  const std::string first = std::string(4095, 'f') + "\n";
  ASSERT_EQ(write(pipe.writer(), first.data(), first.size()), 4096);
  const std::string line = std::string(1023, 'x') + "\n";
  for (int i = 0; i < 16; ++i) {
    EXPECT_TRUE(writer.add(line));
  }
  EXPECT_FALSE(writer.add("y\n"));
  EXPECT_FALSE(writer.add("y\ny\n"));
  EXPECT_EQ(writer.lost(), 3U);
  const std::string all = pipe.read_lines(18);
  EXPECT_EQ(all.size(), 20U * 1024 + 7);
  EXPECT_NE(all.find("x\nlost 3\n"), std::string::npos) << "told after a batch that was written";
  EXPECT_TRUE(writer.add("again\n"));
  EXPECT_TRUE(pipe.read_lines(19).ends_with("\nagain\n"));
}

TEST(BatchWriter, AReaderThatNeverReadsDoesNotHoldUpTheEnd) {
  Pipe pipe;
  ASSERT_GT(fcntl(pipe.writer(), F_SETPIPE_SZ, 4096), 0);
  std::optional<BatchWriter> writer;
  writer.emplace(
      pipe.writer(),
      BatchWriterOptions{.delay = seconds(3600), .finish_time = std::chrono::milliseconds(1)},
      lost_line);
  EXPECT_TRUE(writer->add(std::string(100'000, 'x') + "\n"));
  writer.reset();  // returns
}

TEST(BatchWriter, ADescriptorThatFailsLosesLines) {
  const int unwritable = open("/dev/null", O_RDONLY | O_CLOEXEC);
  BatchWriter writer(unwritable, {.batch = 1}, lost_line);
  EXPECT_TRUE(writer.add("one\n"));
  while (writer.lost() == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(writer.lost(), 1U);
  close(unwritable);
}

}  // namespace
}  // namespace roadstead::io
