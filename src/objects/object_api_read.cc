// SPDX-License-Identifier: Apache-2.0
// get and list.
#include <algorithm>

#include "objects/continue_token.h"
#include "objects/object_api.h"

namespace roadstead::objects {
namespace {

Result<void> check_options(const ListOptions& options) {
  const std::string& match = options.resource_version_match;
  const std::string field = "resourceVersionMatch";
  kube::FieldErrors errors;
  if (options.send_initial_events) {
    return kube::invalid(
        "meta.k8s.io", "ListOptions", "",
        {kube::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")});
  }
  if (match.empty()) {
    return {};
  }
  if (!options.continue_token.empty()) {
    errors.push_back(
        kube::forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
  }
  if (options.resource_version.empty()) {
    errors.push_back(kube::forbidden(
        field, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
  }
  if (match != "Exact" && match != "NotOlderThan") {
    errors.push_back(kube::not_supported(field, json::value(match), {"Exact", "NotOlderThan", ""}));
  }
  if (match == "Exact" && options.resource_version == "0") {
    errors.push_back(kube::forbidden(
        field, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
  }
  return errors.empty() ? Result<void>() : kube::invalid("meta.k8s.io", "ListOptions", "", errors);
}

Error gone_snapshot(bool continued) {
  return kube::expired(
      continued
          ? "The provided continue parameter is too old to display a consistent list result. You "
            "must start a new list without the continue parameter."
          : "The resourceVersion for the provided list is too old.");
}

}  // namespace

io::Task<Result<ObjectPtr>> ObjectApi::current(const Kind& kind, const kube::ObjectKey& key) {
  CO_TRY_VOID(co_await cache_.catch_up());
  ObjectPtr object = cache_.of(kind).find(key);
  if (object == nullptr) {
    co_return kube::not_found(kind.resource(), key.name);
  }
  co_return object;
}

io::Task<Result<ObjectPtr>> ObjectApi::get(const Kind& kind, kube::ObjectKey key,
                                           std::string resource_version) {
  if (!resource_version.empty()) {
    auto wanted = parse_revision(resource_version);
    if (!wanted.ok()) {
      co_return kube::server_error(
          "resourceVersion: Invalid value: " + kube::quote(resource_version) +
          ": strconv.ParseUint: parsing " + kube::quote(resource_version) + ": invalid syntax");
    }
    CO_TRY_VOID(co_await cache_.catch_up());
    if (*wanted > cache_.revision()) {
      co_return kube::too_large_resource_version(*wanted, cache_.revision());
    }
  }
  co_return co_await current(kind, key);
}

io::Task<Result<Listed>> ObjectApi::list(const Kind& kind, ListOptions options) {
  CO_TRY_VOID(check_options(options));
  if (options.resource_version == "0") {
    options.limit = 0;  // "any version" is answered from memory, all at once
  }
  CO_TRY(const Selectors selectors,
         parse_selectors(kind, options.label_selector, options.field_selector));
  if (!options.continue_token.empty()) {
    if (!options.resource_version.empty() && options.resource_version != "0") {
      co_return kube::bad_request("specifying resource version is not allowed when using continue");
    }
    CO_TRY(ContinueToken token, decode_continue(options.continue_token));
    co_return co_await list_snapshot(kind, options, selectors, token.revision,
                                     std::move(token.after));
  }
  if (options.resource_version.empty()) {
    CO_TRY_VOID(co_await cache_.catch_up());
    co_return list_now(kind, options, selectors);
  }
  auto wanted = parse_revision(options.resource_version);
  if (!wanted.ok()) {
    co_return bad_revision(options.resource_version);
  }
  CO_TRY_VOID(co_await cache_.catch_up());
  if (*wanted > cache_.revision()) {
    co_return kube::too_large_resource_version(*wanted, cache_.revision());
  }
  // A limit with a resourceVersion and without a match asks for that very snapshot.
  const bool exact = options.resource_version_match == "Exact" ||
                     (options.resource_version_match.empty() && options.limit > 0 && *wanted > 0);
  if (exact && *wanted < cache_.revision()) {
    co_return co_await list_snapshot(kind, options, selectors, *wanted, "");
  }
  co_return list_now(kind, options, selectors);
}

Result<Listed> ObjectApi::list_now(const Kind& kind, const ListOptions& options,
                                   const Selectors& selectors) {
  Listed out;
  out.revision = cache_.revision();
  std::string last;
  std::int64_t left = 0;
  bool full = false;
  for (const auto& [path, object] : cache_.of(kind).objects()) {
    const bool here = options.namespace_.empty() || object->key.namespace_ == options.namespace_;
    if (!here) {
      continue;
    }
    // One more, at least by name; only matching ones are looked for on the next page.
    full = full || (options.limit > 0 && out.objects.size() == options.limit);
    if (full) {
      ++left;
      continue;
    }
    if (selectors.empty() || selectors.matches(object->parse())) {
      out.objects.push_back(object);
    }
    last = path;
  }
  if (left > 0) {
    out.continue_token = encode_continue({out.revision, last});
    if (selectors.empty()) {
      out.remaining = left;
    }
  }
  return out;
}

io::Task<Result<Listed>> ObjectApi::list_snapshot(const Kind& kind, const ListOptions& options,
                                                  const Selectors& selectors, Revision at,
                                                  std::string after) {
  Listed out;
  out.revision = at;
  const bool continued = !after.empty();
  storage::ListQuery query{.resource = kind.storage_name(), .after = std::move(after), .at = at};
  if (!options.namespace_.empty()) {
    query.namespace_ = options.namespace_;
  }
  const std::size_t enough = options.limit;
  std::int64_t left = 0;
  std::string last = query.after;
  for (;;) {
    query.limit = 1000;
    auto page = co_await store_.list(cache_.home(), query);
    if (!page.ok()) {
      if (page.error().kind() == ErrorKind::Gone) {
        co_return gone_snapshot(continued);
      }
      co_return std::move(page).error();
    }
    for (const storage::Record& record : page->records) {
      query.after = record.key.path();
      if (enough > 0 && out.objects.size() == enough) {
        ++left;
        continue;
      }
      CO_TRY(ObjectPtr object, make_object(record.key, record.revision, record.value));
      if (selectors.empty() || selectors.matches(object->parse())) {
        out.objects.push_back(std::move(object));
      }
      last = query.after;
    }
    // Without selectors the client is told how many are left; else it is enough to know of one.
    const bool known = left > 0 && !selectors.empty();
    if (!page->more || known) {
      break;
    }
  }
  if (left > 0) {
    out.continue_token = encode_continue({at, last});
    if (selectors.empty()) {
      out.remaining = left;
    }
  }
  co_return out;
}

}  // namespace roadstead::objects
