// SPDX-License-Identifier: Apache-2.0
// How many requests of one cluster run at once, and who is next when there are more. Each person
// has a queue; when a place becomes free, the person whose turn it is gets it, round robin, so that
// one who asks a thousand things delays the others by one request and not by a thousand.
//
// A request *runs* until its answer has begun and its first 64 KiB are there; from then on, and
// from the start for watches, logs and terminals, it is *lasting*: bounded too, but it takes no
// place from requests that run, so readers who stand still hold up nobody.
// Lives on the cluster's shard; outlives its permits and tickets.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "io/executor.h"
#include "io/task.h"

namespace roadstead::stub {

struct FairLimits {
  std::size_t running = 600;
  std::size_t running_of_one = 300;
  std::size_t waiting = 4'000;
  std::size_t waiting_of_one = 1'000;
  std::size_t lasting = 10'000;
  std::size_t lasting_of_one = 1'000;
  Duration longest_wait = std::chrono::seconds(10);
};

class FairGate {
 public:
  explicit FairGate(const FairLimits& limits) : limits_(limits) {}
  ~FairGate();
  FairGate(const FairGate&) = delete;
  FairGate& operator=(const FairGate&) = delete;

 private:
  struct Person;

 public:
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)),
          person_(other.person_),
          lasting_(other.lasting_) {}
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { release(); }

    void release();
    // Gives the place to the next who waits; the request goes on as a lasting one.
    void become_lasting();

   private:
    friend class FairGate;
    Permit(FairGate* gate, Person* person, bool lasting)
        : gate_(gate), person_(person), lasting_(lasting) {}
    FairGate* gate_ = nullptr;
    Person* person_ = nullptr;
    bool lasting_ = false;
  };

  // One request's wait; belongs to the request, which may cancel it.
  class Ticket {
   public:
    void cancel();

   private:
    friend class FairGate;
    FairGate* gate_ = nullptr;  // while it waits
    io::Executor* executor_ = nullptr;
    Person* person_ = nullptr;
    std::list<Ticket*>::iterator place_;
    std::coroutine_handle<> waiter_;
    std::optional<Error> failure_;
  };

  // `who` identifies the person and stays while the task runs. Fails with TooManyRequests when too
  // many of that person or of all run, wait or last, or the wait was too long; with Cancelled after
  // Ticket::cancel().
  io::Task<Result<Permit>> enter(io::Executor& executor, std::string_view who, bool lasting,
                                 Ticket& ticket);

  std::size_t running() const { return running_; }
  std::size_t waiting() const { return waiting_; }
  std::size_t lasting() const { return lasting_; }
  std::size_t people() const { return people_.size(); }

 private:
  struct Person {
    std::size_t running = 0;
    std::size_t lasting = 0;
    std::list<Ticket*> waiting;  // mostly empty: it then holds no memory, as a deque would
    bool has_turn = false;       // is in turns_
    const std::string* name = nullptr;
  };

  Person& person(std::string_view who);
  Result<void> check_lasting(const Person& person) const;
  bool has_place(const Person& person) const;
  void start(Person& person);
  void queue(Person& person);
  void admit();
  void end_wait(Ticket& ticket, std::optional<Error> failure);
  void forget_if_idle(Person& person);

  FairLimits limits_;
  std::map<std::string, Person, std::less<>> people_;  // who has anything here
  std::deque<Person*> turns_;                          // who waits and may have one more running
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  std::size_t lasting_ = 0;
};

}  // namespace roadstead::stub
