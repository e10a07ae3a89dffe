// SPDX-License-Identifier: Apache-2.0
// Time is an object. `MonotonicTime` never goes back and is used for every time-out;
// `WallTime` is what certificates and people use. Implementations are thread-safe.
#pragma once

#include <atomic>
#include <chrono>

namespace roadstead {

using Duration = std::chrono::nanoseconds;

struct MonotonicTime {
  Duration since_start{};
  auto operator<=>(const MonotonicTime&) const = default;
  MonotonicTime operator+(Duration d) const { return {since_start + d}; }
  Duration operator-(MonotonicTime other) const { return since_start - other.since_start; }
  static constexpr MonotonicTime max() { return {Duration::max()}; }
};

using WallTime = std::chrono::sys_time<Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime now() const = 0;
  virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  MonotonicTime now() const override;
  WallTime wall() const override;
};

// Moves only when told to. For tests and the simulated world.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(WallTime wall = WallTime(std::chrono::seconds(1'800'000'000)))
      : wall_start_(wall) {}
  MonotonicTime now() const override { return {Duration(elapsed_.load())}; }
  WallTime wall() const override { return wall_start_ + Duration(elapsed_.load() + skew_.load()); }
  void advance(Duration d) { elapsed_ += d.count(); }
  void set_wall_skew(Duration d) { skew_ = d.count(); }

 private:
  WallTime wall_start_;
  std::atomic<Duration::rep> elapsed_{0};
  std::atomic<Duration::rep> skew_{0};
};

// A point in time by which a call must end; passed down as the last parameter of calls that wait.
class Deadline {
 public:
  static Deadline never() { return Deadline(MonotonicTime::max()); }
  static Deadline after(const Clock& clock, Duration d) { return Deadline(clock.now() + d); }
  static Deadline at(MonotonicTime t) { return Deadline(t); }

  MonotonicTime time() const { return time_; }
  bool is_never() const { return time_ == MonotonicTime::max(); }
  bool expired(const Clock& clock) const { return !is_never() && clock.now() >= time_; }

 private:
  explicit Deadline(MonotonicTime t) : time_(t) {}
  MonotonicTime time_;
};

}  // namespace roadstead
