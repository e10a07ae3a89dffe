// SPDX-License-Identifier: Apache-2.0
// The scale subresource: reads and writes of one number of an object.
#include "objects/meta.h"
#include "objects/object_api.h"
#include "objects/patch.h"
#include "objects/scale.h"

namespace roadstead::objects {
namespace {

constexpr int kRetries = 5;

}  // namespace

io::Task<Result<json::value>> ObjectApi::get_scale(const Kind& kind, kube::ObjectKey key) {
  CO_TRY(const ObjectPtr object, co_await current(kind, key));
  co_return scale_of(kind, object->parse());
}

io::Task<Result<json::value>> ObjectApi::change_scale(const RequestContext& context,
                                                      const Kind& kind, kube::ObjectKey key,
                                                      std::optional<PatchType> patch,
                                                      json::value body, WriteOptions options) {
  for (int attempt = 0;; ++attempt) {
    CO_TRY(ObjectPtr before, co_await current(kind, key));
    const json::value old = before->parse();
    json::value object = old;
    json::value scale = body;
    if (patch) {
      scale = scale_or_zero(kind, object);
      if (*patch == PatchType::Json) {
        CO_TRY(scale, apply_json_patch(std::move(scale), body));
      } else {
        apply_merge_patch(scale, body);
      }
    }
    CO_TRY_VOID(check_scale(scale));
    const std::string name(kube::name_of(scale));
    if (name != key.name) {
      co_return kube::bad_request("the name of the object (" + name +
                                  ") does not match the name on the URL (" + key.name + ")");
    }
    const std::string_view version = kube::resource_version_of(scale);
    if (!version.empty() && version != std::to_string(before->revision)) {
      co_return kube::object_modified(kind.resource(), key.name);
    }
    if (set_replicas(kind, scale, object)) {
      track_scale(kind, object, writer_of(options),
                  codec::int_at(scale, {"spec", "replicas"}) != 0);
    }
    apply_defaults(*kind.schema, object);
    auto written = co_await replace(context, kind, before, old, std::move(object), options);
    if (written.ok()) {
      co_return scale_or_zero(kind, written->object->parse());
    }
    const bool again = written.error().kind() == ErrorKind::Conflict && attempt < kRetries;
    if (!again) {
      co_return std::move(written).error();
    }
  }
}

}  // namespace roadstead::objects
