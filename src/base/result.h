// SPDX-License-Identifier: Apache-2.0
// Errors are values. `Result<T>` holds either a T or an `Error`; it is nodiscard everywhere.
// The closed set of kinds maps to HTTP status, Kubernetes reason and exit code in one table
// (error_table.cc). Plain values, usable on any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace roadstead {

enum class ErrorKind : unsigned char {
  InvalidArgument,   // the caller's input is wrong; the message names the field and the fix
  Unauthenticated,   // no valid credential
  PermissionDenied,  // authenticated, but may not
  NotFound,
  AlreadyExists,
  Conflict,  // optimistic lock lost, or field manager conflict
  Gone,      // a resourceVersion or continue token that is too old
  TooManyRequests,
  Unavailable,  // cannot be served now; may be tried again
  DeadlineExceeded,
  Cancelled,  // the resource was closed by its owner
  PayloadTooLarge,
  Unsupported,  // method, media type or feature that is not served
  Protocol,     // the peer broke a protocol rule
  Tls,          // handshake or certificate failure
  Network,      // connect, read or write failed
  EndOfStream,  // the peer closed where more was expected
  Upstream,     // the next hop answered something unusable
  Storage,      // the store failed; the message says what is safe
  Internal,     // a bug
};

// What a kind means outside: HTTP status, Kubernetes `Status.reason`, process exit code.
struct ErrorTraits {
  std::string_view name;
  int http_status;
  std::string_view reason;
  int exit_code;
};
const ErrorTraits& traits(ErrorKind kind);

// More about an error, attached by a layer that has more to say (kube::Status). Immutable.
class ErrorDetail {
 public:
  virtual ~ErrorDetail() = default;
};

class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }

  // Puts what was being done in front: "open store: disk is full".
  Error&& with_context(std::string_view context) &&;
  Error with_kind(ErrorKind kind) &&;

  Error with_detail(std::shared_ptr<const ErrorDetail> detail) &&;
  const ErrorDetail* detail() const { return detail_.get(); }

  // "NotFound: cluster \"a\" does not exist"
  std::string to_string() const;

 private:
  ErrorKind kind_;
  std::string message_;
  std::shared_ptr<const ErrorDetail> detail_;
};

struct Unit {};

template <class T = void>
class [[nodiscard]] Result {
 public:
  using Value = std::conditional_t<std::is_void_v<T>, Unit, T>;

  Result()
    requires std::is_void_v<T>
      : state_(std::in_place_index<0>) {}
  template <class U = Value>
    requires(!std::is_void_v<T> && std::is_convertible_v<U &&, Value> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}      // NOLINT
  Result(ErrorKind kind, std::string message)
      : state_(std::in_place_index<1>, Error(kind, std::move(message))) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  Value& value() & {
    CHECK(ok(), error().to_string());
    return *std::get_if<0>(&state_);
  }
  const Value& value() const& {
    CHECK(ok(), error().to_string());
    return *std::get_if<0>(&state_);
  }
  Value&& value() && {
    CHECK(ok(), error().to_string());
    return std::move(*std::get_if<0>(&state_));
  }
  Value& operator*() & { return value(); }
  const Value& operator*() const& { return value(); }
  Value&& operator*() && { return std::move(*this).value(); }
  Value* operator->() { return &value(); }
  const Value* operator->() const { return &value(); }

  const Error& error() const& {
    CHECK(!ok(), "error() of a result that has none");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!ok(), "error() of a result that has none");
    return std::move(*std::get_if<1>(&state_));
  }

  Result&& with_context(std::string_view context) && {
    if (!ok()) {
      static_cast<void>(std::move(*this).error().with_context(context));
    }
    return std::move(*this);
  }

 private:
  std::variant<Value, Error> state_;
};

}  // namespace roadstead

// Early return: `TRY(auto x, parse(s));` or `TRY_VOID(check(x));`, and the co_return forms.
#define ROADSTEAD_CONCAT_(a, b) a##b
#define ROADSTEAD_CONCAT(a, b) ROADSTEAD_CONCAT_(a, b)
#define ROADSTEAD_TRY_(tmp, ret, decl, ...) \
  auto tmp = (__VA_ARGS__);                 \
  if (!tmp.ok()) {                          \
    ret std::move(tmp).error();             \
  }                                         \
  decl = std::move(tmp).value()
#define ROADSTEAD_TRY_VOID_(tmp, ret, ...) \
  do {                                     \
    auto tmp = (__VA_ARGS__);              \
    if (!tmp.ok()) {                       \
      ret std::move(tmp).error();          \
    }                                      \
  } while (false)
#define TRY(decl, ...) \
  ROADSTEAD_TRY_(ROADSTEAD_CONCAT(try_result_, __LINE__), return, decl, __VA_ARGS__)
#define CO_TRY(decl, ...) \
  ROADSTEAD_TRY_(ROADSTEAD_CONCAT(try_result_, __LINE__), co_return, decl, __VA_ARGS__)
#define TRY_VOID(...) \
  ROADSTEAD_TRY_VOID_(ROADSTEAD_CONCAT(try_result_, __LINE__), return, __VA_ARGS__)
#define CO_TRY_VOID(...) \
  ROADSTEAD_TRY_VOID_(ROADSTEAD_CONCAT(try_result_, __LINE__), co_return, __VA_ARGS__)
