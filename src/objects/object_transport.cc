// SPDX-License-Identifier: Apache-2.0
#include "objects/object_transport.h"

#include "objects/watch.h"

namespace roadstead::objects {
namespace {

json::value value_of(const ObjectPtr& object, const kube::Selection& selection) {
  json::value out = object->parse();
  if (selection.metadata_only) {
    kube::keep_metadata(out);
  }
  return out;
}

kube::EventType type_of(WatchEventType type) {
  switch (type) {
    case WatchEventType::Modified:
      return kube::EventType::Modified;
    case WatchEventType::Deleted:
      return kube::EventType::Deleted;
    case WatchEventType::Bookmark:
      return kube::EventType::Bookmark;
    case WatchEventType::Added:
    case WatchEventType::Error:
      break;
  }
  return kube::EventType::Added;
}

class Stream final : public kube::WatchStream {
 public:
  Stream(std::unique_ptr<Watch> watch, kube::Selection selection)
      : watch_(std::move(watch)), selection_(std::move(selection)) {}

  io::Task<Result<std::vector<kube::WatchEvent>>> next() override {
    std::vector<kube::WatchEvent> out;
    for (WatchEvent& event : co_await watch_->next()) {
      if (event.error.has_value()) {
        co_return std::move(*event.error);
      }
      if (event.type == WatchEventType::Bookmark) {
        json::object metadata{{"resourceVersion", std::to_string(event.revision)}};
        out.push_back({kube::EventType::Bookmark, {{"metadata", std::move(metadata)}}});
      } else {
        out.push_back({type_of(event.type), value_of(event.object, selection_)});
      }
    }
    co_return out;
  }
  void stop() override { watch_->stop(); }

 private:
  std::unique_ptr<Watch> watch_;
  kube::Selection selection_;
};

Propagation propagation_of(kube::Propagation propagation) {
  switch (propagation) {
    case kube::Propagation::Foreground:
      return Propagation::Foreground;
    case kube::Propagation::Orphan:
      return Propagation::Orphan;
    case kube::Propagation::Background:
      break;
  }
  return Propagation::Background;
}

}  // namespace

kube::Resource resource_of(const Kind& kind) {
  return {kind.group, kind.version, kind.plural, kind.namespaced};
}

ObjectTransport::ObjectTransport(ObjectApi& api, std::string component)
    : api_(api), component_(std::move(component)), context_(service_context(component_)) {}

Result<const Kind*> ObjectTransport::kind_of(const kube::Resource& resource) const {
  if (closed_) {
    return Error(ErrorKind::Cancelled, "the hub stops");
  }
  const Kind* kind = api_.kinds().find(resource.group, resource.version, resource.plural);
  if (kind == nullptr) {
    return kube::route_not_found();
  }
  return kind;
}

WriteOptions ObjectTransport::write_options(std::string subresource) const {
  WriteOptions out;
  out.subresource = std::move(subresource);
  out.field_manager = component_;
  return out;
}

io::Task<Result<kube::ListPage>> ObjectTransport::list(kube::ListRequest request) {
  CO_TRY(const Kind* kind, kind_of(request.resource));
  ListOptions options;
  options.namespace_ = request.selection.namespace_;
  options.label_selector = request.selection.label_selector;
  options.field_selector = request.selection.field_selector;
  options.limit = request.limit;
  options.continue_token = std::move(request.continue_token);
  CO_TRY(const Listed listed, co_await api_.list(*kind, std::move(options)));
  kube::ListPage page;
  page.resource_version = std::to_string(listed.revision);
  page.continue_token = listed.continue_token;
  for (const ObjectPtr& object : listed.objects) {
    page.items.push_back(value_of(object, request.selection));
  }
  co_return page;
}

io::Task<Result<std::unique_ptr<kube::WatchStream>>> ObjectTransport::watch(
    kube::WatchRequest request) {
  CO_TRY(const Kind* kind, kind_of(request.resource));
  WatchOptions options;
  options.namespace_ = request.selection.namespace_;
  options.label_selector = request.selection.label_selector;
  options.field_selector = request.selection.field_selector;
  options.resource_version = std::move(request.resource_version);
  options.allow_bookmarks = true;
  options.timeout = request.timeout;
  CO_TRY(std::unique_ptr<Watch> opened, co_await Watch::open(api_, *kind, std::move(options)));
  co_return std::make_unique<Stream>(std::move(opened), std::move(request.selection));
}

io::Task<Result<json::value>> ObjectTransport::get(kube::Resource resource, kube::ObjectKey key) {
  CO_TRY(const Kind* kind, kind_of(resource));
  CO_TRY(const ObjectPtr object, co_await api_.get(*kind, std::move(key)));
  co_return object->parse();
}

io::Task<Result<json::value>> ObjectTransport::create(kube::Resource resource, json::value object) {
  CO_TRY(const Kind* kind, kind_of(resource));
  const std::string ns(kube::namespace_of(object));
  CO_TRY(const Written written,
         co_await api_.create(context_, *kind, ns, std::move(object), write_options("")));
  co_return written.object->parse();
}

io::Task<Result<json::value>> ObjectTransport::replace(kube::Resource resource, json::value object,
                                                       std::string subresource) {
  CO_TRY(const Kind* kind, kind_of(resource));
  const kube::ObjectKey key = kube::key_of(object);
  CO_TRY(const Written written, co_await api_.update(context_, *kind, key, std::move(object),
                                                     write_options(std::move(subresource))));
  co_return written.object->parse();
}

io::Task<Result<json::value>> ObjectTransport::patch(kube::Resource resource, kube::ObjectKey key,
                                                     json::value patch, std::string subresource) {
  CO_TRY(const Kind* kind, kind_of(resource));
  CO_TRY(const Written written,
         co_await api_.patch(context_, *kind, std::move(key), PatchType::Merge, std::move(patch),
                             write_options(std::move(subresource))));
  co_return written.object->parse();
}

io::Task<Result<void>> ObjectTransport::remove(kube::Resource resource, kube::ObjectKey key,
                                               kube::RemoveOptions options) {
  CO_TRY(const Kind* kind, kind_of(resource));
  DeleteOptions wanted;
  wanted.propagation = propagation_of(options.propagation);
  wanted.uid = std::move(options.uid);
  wanted.resource_version = std::move(options.resource_version);
  CO_TRY_VOID(co_await api_.remove(context_, *kind, std::move(key), std::move(wanted)));
  co_return Result<void>();
}

}  // namespace roadstead::objects
