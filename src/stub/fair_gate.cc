// SPDX-License-Identifier: Apache-2.0
#include "stub/fair_gate.h"

#include <algorithm>

#include "base/check.h"

namespace roadstead::stub {
namespace {

Error too_many(const char* what) { return Error(ErrorKind::TooManyRequests, what); }

}  // namespace

FairGate::~FairGate() { CHECK(people_.empty(), "a FairGate was destroyed while in use"); }

FairGate::Permit& FairGate::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    release();
    gate_ = std::exchange(other.gate_, nullptr);
    person_ = other.person_;
    lasting_ = other.lasting_;
  }
  return *this;
}

void FairGate::Permit::release() {
  FairGate* const gate = std::exchange(gate_, nullptr);
  if (gate == nullptr) {
    return;
  }
  if (lasting_) {
    --gate->lasting_;
    --person_->lasting;
  } else {
    --gate->running_;
    --person_->running;
    gate->queue(*person_);
    gate->admit();
  }
  gate->forget_if_idle(*person_);
}

void FairGate::Permit::become_lasting() {
  if (gate_ == nullptr || lasting_) {
    return;
  }
  lasting_ = true;
  ++gate_->lasting_;
  ++person_->lasting;
  --gate_->running_;
  --person_->running;
  gate_->queue(*person_);
  gate_->admit();
}

void FairGate::Ticket::cancel() {
  if (gate_ != nullptr) {
    gate_->end_wait(*this, Error(ErrorKind::Cancelled, "the request was given up"));
  }
}

FairGate::Person& FairGate::person(std::string_view who) {
  auto at = people_.find(who);
  if (at == people_.end()) {
    at = people_.try_emplace(std::string(who)).first;
    at->second.name = &at->first;
  }
  return at->second;
}

void FairGate::forget_if_idle(Person& person) {
  if (person.running == 0 && person.lasting == 0 && person.waiting.empty()) {
    people_.erase(*person.name);
  }
}

// Also for requests that are to run: each may turn into a lasting one.
Result<void> FairGate::check_lasting(const Person& person) const {
  if (person.lasting >= limits_.lasting_of_one) {
    return too_many("you have too many watches and unread answers open in this cluster");
  }
  if (lasting_ >= limits_.lasting) {
    return too_many("too many watches and unread answers are open in this cluster");
  }
  return {};
}

bool FairGate::has_place(const Person& person) const {
  return running_ < limits_.running && person.running < limits_.running_of_one;
}

void FairGate::start(Person& person) {
  ++running_;
  ++person.running;
}

// Puts the person at the end of those whose turn comes.
void FairGate::queue(Person& person) {
  if (!person.has_turn && !person.waiting.empty() && person.running < limits_.running_of_one) {
    person.has_turn = true;
    turns_.push_back(&person);
  }
}

void FairGate::admit() {
  while (running_ < limits_.running && !turns_.empty()) {
    Person& next = *turns_.front();
    turns_.pop_front();
    next.has_turn = false;
    Ticket& ticket = *next.waiting.front();
    start(next);
    end_wait(ticket, std::nullopt);
    queue(next);
  }
}

void FairGate::end_wait(Ticket& ticket, std::optional<Error> failure) {
  Person& person = *ticket.person_;
  ticket.gate_ = nullptr;
  ticket.failure_ = std::move(failure);
  person.waiting.erase(ticket.place_);
  --waiting_;
  if (person.waiting.empty() && person.has_turn) {
    person.has_turn = false;
    std::erase(turns_, &person);
  }
  ticket.executor_->resume_later(std::exchange(ticket.waiter_, nullptr));
  if (ticket.failure_.has_value()) {
    forget_if_idle(person);
  }
}

io::Task<Result<FairGate::Permit>> FairGate::enter(io::Executor& executor, std::string_view who,
                                                   bool lasting, Ticket& ticket) {
  Person& me = person(who);
  if (auto allowed = check_lasting(me); !allowed.ok()) {
    forget_if_idle(me);
    co_return std::move(allowed).error();
  }
  if (lasting) {
    ++lasting_;
    ++me.lasting;
    co_return Permit(this, &me, true);
  }
  if (has_place(me) && me.waiting.empty()) {
    start(me);
    co_return Permit(this, &me, false);
  }
  if (me.waiting.size() >= limits_.waiting_of_one || waiting_ >= limits_.waiting) {
    const bool mine = me.waiting.size() >= limits_.waiting_of_one;
    forget_if_idle(me);
    co_return too_many(mine ? "too many requests of yours wait for this cluster"
                            : "too many requests wait for this cluster");
  }
  struct Wait {
    Ticket& ticket;
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { ticket.waiter_ = h; }
    void await_resume() {}
  };
  io::Timer patience(executor);
  patience.arm(limits_.longest_wait, [this, &ticket] {
    if (ticket.gate_ != nullptr) {
      end_wait(ticket, too_many("the request waited too long for its turn in this cluster"));
    }
  });
  ticket.gate_ = this;
  ticket.executor_ = &executor;
  ticket.person_ = &me;
  ticket.place_ = me.waiting.insert(me.waiting.end(), &ticket);
  ++waiting_;
  queue(me);
  co_await Wait{ticket};
  if (ticket.failure_.has_value()) {
    co_return std::move(*ticket.failure_);
  }
  co_return Permit(this, &me, false);
}

}  // namespace roadstead::stub
