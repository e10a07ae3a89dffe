// SPDX-License-Identifier: Apache-2.0
#include "pki/one_time_tokens.h"

#include "base/rfc3339.h"
#include "codec/json.h"
#include "crypto/token.h"

namespace roadstead::pki {
namespace {

namespace json = codec::json;

constexpr Duration kRepeatWindow = std::chrono::minutes(10);
constexpr Duration kForgetAfter = std::chrono::hours(24);

Error refused(std::string why) { return Error(ErrorKind::Unauthenticated, std::move(why)); }

}  // namespace

struct OneTimeTokens::Entry {
  std::uint64_t version = 0;
  std::string subject;
  WallTime expires{};
  std::string used_by;  // key id
  WallTime used_at{};

  std::string to_record() const {
    json::object o{{"subject", subject}, {"expires", format_rfc3339_micro(expires)}};
    if (!used_by.empty()) {
      o["usedBy"] = used_by;
      o["usedAt"] = format_rfc3339_micro(used_at);
    }
    return codec::write_json(o);
  }
};

io::Task<Result<OneTimeTokens::Entry>> OneTimeTokens::load(io::Executor& executor,
                                                           std::string name) {
  CO_TRY(const storage::SealedBlob blob, co_await store_.get_secret(executor, std::move(name)));
  CO_TRY(const json::value value, codec::parse_json(blob.bytes));
  Entry entry;
  entry.version = blob.version;
  entry.subject = codec::string_at(value, {"subject"});
  CO_TRY(entry.expires, parse_rfc3339(codec::string_at(value, {"expires"})));
  entry.used_by = codec::string_at(value, {"usedBy"});
  if (!entry.used_by.empty()) {
    CO_TRY(entry.used_at, parse_rfc3339(codec::string_at(value, {"usedAt"})));
  }
  co_return entry;
}

io::Task<Result<OneTimeTokens::Minted>> OneTimeTokens::mint(io::Executor& executor,
                                                            std::string subject,
                                                            Duration lifetime) {
  Minted minted{crypto::make_token(random_, prefix_), clock_.wall() + lifetime};
  Entry entry;
  entry.subject = std::move(subject);
  entry.expires = minted.expires;
  CO_TRY_VOID(co_await store_.put_secret(
      executor, family_ + "/" + crypto::token_hash(minted.token.reveal()), 0, entry.to_record()));
  co_return minted;
}

io::Task<Result<std::string>> OneTimeTokens::redeem(io::Executor& executor, Secret token,
                                                    std::string key_id) {
  const std::string name = family_ + "/" + crypto::token_hash(token.reveal());
  auto entry = co_await load(executor, name);
  if (!entry.ok()) {
    if (entry.error().kind() == ErrorKind::NotFound) {
      co_return refused("the token is unknown to this hub");
    }
    co_return std::move(entry).error();
  }
  const WallTime now = clock_.wall();
  if (!entry->used_by.empty()) {
    const bool repeated = entry->used_by == key_id && now - entry->used_at < kRepeatWindow;
    if (repeated) {
      co_return entry->subject;
    }
    co_return refused("the token was used at " + format_rfc3339(entry->used_at) +
                      "; every token can be used once");
  }
  if (now >= entry->expires) {
    co_return refused("the token expired at " + format_rfc3339(entry->expires));
  }
  entry->used_by = std::move(key_id);
  entry->used_at = now;
  auto put = co_await store_.put_secret(executor, name, entry->version, entry->to_record());
  if (!put.ok()) {
    if (put.error().kind() == ErrorKind::Conflict) {
      co_return refused("the token was used a moment ago; every token can be used once");
    }
    co_return std::move(put).error();
  }
  co_return entry->subject;
}

io::Task<Result<void>> OneTimeTokens::sweep(io::Executor& executor, std::string subject) {
  CO_TRY(const std::vector<std::string> names,
         co_await store_.list_secrets(executor, family_ + "/"));
  for (const std::string& name : names) {
    const auto entry = co_await load(executor, name);
    if (!entry.ok()) {
      continue;  // somebody else removed it meanwhile
    }
    const bool old = clock_.wall() - entry->expires > kForgetAfter;
    if (old || (!subject.empty() && entry->subject == subject)) {
      auto removed = co_await store_.remove_secret(executor, name, entry->version);
      if (!removed.ok() && removed.error().kind() == ErrorKind::Storage) {
        co_return std::move(removed).error();
      }
    }
  }
  co_return Result<void>();
}

}  // namespace roadstead::pki
