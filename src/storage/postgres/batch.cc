// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/batch.h"

#include "storage/answers.h"

namespace roadstead::storage::postgres {
namespace {

Error not_found(const Write& write) {
  return write.is_secret() ? no_such_secret(write.key.name) : no_such(write.key);
}

}  // namespace

Batch::Batch(std::span<Write* const> writes) : writes_(writes) {
  for (const Write* write : writes) {
    if (write->is_secret()) {
      if (secret_index_.emplace(write->key.name, secrets_.size()).second) {
        secrets_.push_back(write->key.name);
      }
      continue;
    }
    std::string path = write->key.path();
    const auto [entry, added] =
        path_index_.emplace(std::pair(write->key.resource, path), paths_.size());
    if (added) {
      paths_.push_back({write->key.resource, std::move(path), false});
    }
    paths_[entry->second].needs_value |= write->verb == Write::Verb::Remove && write->bytes.empty();
  }
}

void Batch::plan(Revision revision, std::uint64_t secret, std::vector<Present> paths,
                 std::vector<std::uint64_t> secrets) {
  revision_ = revision;
  secret_ = secret;
  present_ = std::move(paths);
  secret_versions_ = std::move(secrets);
  inserts_.clear();
  previous_.clear();
  secret_changes_.clear();
  results_.clear();
  stored_.clear();
  for (const Write* write : writes_) {
    results_.push_back(write->is_secret() ? secret_write(*write) : object_write(*write));
  }
}

Result<std::uint64_t> Batch::object_write(const Write& write) {
  std::string path = write.key.path();
  Present& present = present_[path_index_.at({write.key.resource, path})];
  const std::string what = write.key.resource + " \"" + path + "\"";
  if (write.verb == Write::Verb::Create && present.revision != 0) {
    return Error(ErrorKind::AlreadyExists, what + " already exists");
  }
  if (write.verb != Write::Verb::Create && present.revision == 0) {
    return not_found(write);
  }
  if (write.verb != Write::Verb::Create && present.revision != write.expected) {
    return Error(ErrorKind::Conflict, what + " is at revision " + std::to_string(present.revision) +
                                          ", not at " + std::to_string(write.expected));
  }
  const bool deleted = write.verb == Write::Verb::Remove;
  std::string_view value = write.bytes;
  if (deleted && write.bytes.empty()) {
    CHECK(present.value.has_value(), "the state of a removal was not fetched");
    value = *stored_.emplace_back(std::make_unique<std::string>(*present.value));
  }
  inserts_.push_back({++revision_, &write.key, std::move(path), present.revision, deleted, value});
  previous_.push_back(present.revision == 0 ? std::string() : std::move(present.value));
  present = deleted ? Present{} : Present{revision_, write.bytes};
  return revision_;
}

Result<std::uint64_t> Batch::secret_write(const Write& write) {
  std::uint64_t& version = secret_versions_[secret_index_.at(write.key.name)];
  const std::string what = "secret \"" + write.key.name + "\"";
  const bool creates = write.verb == Write::Verb::PutSecret && write.expected == 0;
  if (creates && version != 0) {
    return Error(ErrorKind::AlreadyExists, what + " already exists");
  }
  if (!creates && version == 0) {
    return not_found(write);
  }
  if (!creates && version != write.expected) {
    return Error(ErrorKind::Conflict, what + " has changed");
  }
  if (write.verb == Write::Verb::RemoveSecret) {
    version = 0;
    secret_changes_.push_back({write.key.name, 0, {}});
    return 0;
  }
  version = ++secret_;
  secret_changes_.push_back({write.key.name, version, write.bytes});
  return version;
}

std::optional<std::vector<Change>> Batch::changes() const {
  std::vector<Change> out;
  for (std::size_t i = 0; i < inserts_.size(); ++i) {
    const Insert& insert = inserts_[i];
    if (!previous_[i]) {
      return std::nullopt;
    }
    Change change{insert.revision, *insert.key, insert.deleted, std::string(insert.value),
                  std::nullopt};
    if (insert.previous != 0) {
      change.previous = previous_[i];
    }
    out.push_back(std::move(change));
  }
  return out;
}

void Batch::answer() {
  for (std::size_t i = 0; i < writes_.size(); ++i) {
    writes_[i]->result = results_[i];
  }
}

void Batch::fail(const Error& error) {
  for (Write* write : writes_) {
    write->result = error;
  }
}

}  // namespace roadstead::storage::postgres
