// SPDX-License-Identifier: Apache-2.0
#include "objects/protobuf.h"

#include <array>
#include <span>
#include <string>

#include "base/rfc3339.h"
#include "base/utf8.h"

namespace roadstead::objects {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);

enum class Form : unsigned char {
  Text,
  Number,
  Flag,
  Time,
  Texts,
  TextMap,
  Message,
  Messages,
  Json
};

struct Shape;
// A field of a message: its number in the .proto file, its name in JSON.
struct Field {
  std::uint64_t number;
  const char* name;
  Form form = Form::Text;
  const Shape* shape = nullptr;
};
struct Shape {
  std::span<const Field> fields;
};

constexpr std::array kFieldsV1{Field{1, "Raw"}};
constexpr Shape kFieldsV1Shape{kFieldsV1};
constexpr std::array kManagedField{
    Field{1, "manager"},    Field{2, "operation"},
    Field{3, "apiVersion"}, Field{4, "time", Form::Time},
    Field{6, "fieldsType"}, Field{7, "fieldsV1", Form::Json, &kFieldsV1Shape},
    Field{8, "subresource"}};
constexpr Shape kManagedFieldShape{kManagedField};
constexpr std::array kOwner{Field{1, "kind"},
                            Field{3, "name"},
                            Field{4, "uid"},
                            Field{5, "apiVersion"},
                            Field{6, "controller", Form::Flag},
                            Field{7, "blockOwnerDeletion", Form::Flag}};
constexpr Shape kOwnerShape{kOwner};
constexpr std::array kMeta{Field{1, "name"},
                           Field{2, "generateName"},
                           Field{3, "namespace"},
                           Field{4, "selfLink"},
                           Field{5, "uid"},
                           Field{6, "resourceVersion"},
                           Field{7, "generation", Form::Number},
                           Field{8, "creationTimestamp", Form::Time},
                           Field{9, "deletionTimestamp", Form::Time},
                           Field{10, "deletionGracePeriodSeconds", Form::Number},
                           Field{11, "labels", Form::TextMap},
                           Field{12, "annotations", Form::TextMap},
                           Field{13, "ownerReferences", Form::Messages, &kOwnerShape},
                           Field{14, "finalizers", Form::Texts},
                           Field{17, "managedFields", Form::Messages, &kManagedFieldShape}};
constexpr Shape kMetaShape{kMeta};
constexpr std::array kCondition{Field{1, "type"}, Field{2, "status"},
                                Field{4, "lastTransitionTime", Form::Time}, Field{5, "reason"},
                                Field{6, "message"}};
constexpr Shape kConditionShape{kCondition};
constexpr std::array kSpec{Field{1, "finalizers", Form::Texts}};
constexpr Shape kSpecShape{kSpec};
constexpr std::array kStatus{Field{1, "phase"},
                             Field{2, "conditions", Form::Messages, &kConditionShape}};
constexpr Shape kStatusShape{kStatus};
constexpr std::array kNamespace{Field{1, "metadata", Form::Message, &kMetaShape},
                                Field{2, "spec", Form::Message, &kSpecShape},
                                Field{3, "status", Form::Message, &kStatusShape}};
constexpr Shape kNamespaceShape{kNamespace};
constexpr std::array kPreconditions{Field{1, "uid"}, Field{2, "resourceVersion"}};
constexpr Shape kPreconditionsShape{kPreconditions};
constexpr std::array kDeleteOptions{Field{1, "gracePeriodSeconds", Form::Number},
                                    Field{2, "preconditions", Form::Message, &kPreconditionsShape},
                                    Field{3, "orphanDependents", Form::Flag},
                                    Field{4, "propagationPolicy"}, Field{5, "dryRun", Form::Texts}};
constexpr Shape kDeleteOptionsShape{kDeleteOptions};

Error broken() { return Error(ErrorKind::InvalidArgument, "the protobuf message is broken"); }

struct Item {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  // of a varint
  std::string_view bytes;   // of the others
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }

  Result<Item> next() {
    TRY(const std::uint64_t tag, varint());
    Item item;
    item.number = tag >> 3;
    switch (tag & 7) {
      case 0: {
        TRY(item.value, varint());
        return item;
      }
      case 1:
        return take(item, 8);
      case 2: {
        TRY(const std::uint64_t length, varint());
        return take(item, length);
      }
      case 5:
        return take(item, 4);
      default:
        return broken();
    }
  }

 private:
  Result<std::uint64_t> varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) {
        return out;
      }
    }
    return broken();
  }

  Result<Item> take(Item item, std::uint64_t length) {
    if (length > rest_.size()) {
      return broken();
    }
    item.bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return item;
  }

  std::string_view rest_;
};

Result<std::string> text_of(std::string_view bytes) {
  if (!utf8::valid(bytes)) {
    return broken();
  }
  return std::string(bytes);
}

// Go's zero time is a message without a field.
Result<json::value> time_of(std::string_view bytes) {
  std::int64_t seconds = 0;
  bool set = false;
  for (Reader reader(bytes); !reader.done();) {
    TRY(const Item item, reader.next());
    if (item.number == 1) {
      seconds = static_cast<std::int64_t>(item.value);
      set = true;
    }
  }
  constexpr auto kLatest = std::chrono::floor<std::chrono::seconds>(WallTime::max());
  if (!set || seconds < 0 || seconds > kLatest.time_since_epoch().count()) {
    return json::value(nullptr);
  }
  return json::value(format_rfc3339(WallTime(std::chrono::seconds(seconds))));
}

Result<void> add_pair(std::string_view bytes, json::value& map) {
  std::string key;
  std::string value;
  for (Reader reader(bytes); !reader.done();) {
    TRY(const Item item, reader.next());
    if (item.number == 1) {
      TRY(key, text_of(item.bytes));
    } else if (item.number == 2) {
      TRY(value, text_of(item.bytes));
    }
  }
  if (!map.is_object()) {
    map = json::object();
  }
  map.get_object()[key] = value;
  return {};
}

json::array& array_of(json::value& value) {
  if (!value.is_array()) {
    value = json::array();
  }
  return value.get_array();
}

Result<json::object> message(std::string_view bytes, const Shape& shape);

// FieldsV1: its only field holds JSON.
Result<json::value> embedded_json(std::string_view bytes) {
  for (Reader reader(bytes); !reader.done();) {
    TRY(const Item item, reader.next());
    if (item.number == 1) {
      return codec::parse_json(item.bytes);
    }
  }
  return json::value(nullptr);
}

Result<void> add(const Field& field, const Item& item, json::object& out) {
  switch (field.form) {
    case Form::Text: {
      TRY(std::string text, text_of(item.bytes));
      if (!text.empty()) {
        out[field.name] = text;
      }
      return {};
    }
    case Form::Number:
      // Go leaves out what is not set only where it is a pointer; a generation of 0 is none.
      if (item.value != 0 || std::string_view(field.name) != "generation") {
        out[field.name] = static_cast<std::int64_t>(item.value);
      }
      return {};
    case Form::Flag:
      out[field.name] = item.value != 0;
      return {};
    case Form::Time: {
      TRY(json::value time, time_of(item.bytes));
      if (!time.is_null()) {
        out[field.name] = std::move(time);
      }
      return {};
    }
    case Form::Texts: {
      TRY(std::string text, text_of(item.bytes));
      array_of(out[field.name]).emplace_back(text);
      return {};
    }
    case Form::TextMap:
      return add_pair(item.bytes, out[field.name]);
    case Form::Message: {
      TRY(out[field.name], message(item.bytes, *field.shape));
      return {};
    }
    case Form::Messages: {
      TRY(json::object one, message(item.bytes, *field.shape));
      array_of(out[field.name]).push_back(std::move(one));
      return {};
    }
    case Form::Json: {
      TRY(out[field.name], embedded_json(item.bytes));
      return {};
    }
  }
  return broken();
}

Result<json::object> message(std::string_view bytes, const Shape& shape) {
  json::object out;
  for (Reader reader(bytes); !reader.done();) {
    TRY(const Item item, reader.next());
    for (const Field& field : shape.fields) {
      if (field.number == item.number) {
        TRY_VOID(add(field, item, out));
      }
    }
  }
  return out;
}

}  // namespace

Result<json::value> from_protobuf(std::string_view body) {
  if (!body.starts_with(kMagic)) {
    return Error(ErrorKind::InvalidArgument,
                 "the body does not begin as Kubernetes' protobuf does");
  }
  static constexpr std::array kType{Field{1, "apiVersion"}, Field{2, "kind"}};
  static constexpr Shape kTypeShape{kType};
  json::object type;
  std::string_view raw;
  for (Reader reader(body.substr(kMagic.size())); !reader.done();) {
    TRY(const Item item, reader.next());
    if (item.number == 1) {
      TRY(type, message(item.bytes, kTypeShape));
    } else if (item.number == 2) {
      raw = item.bytes;
    }
  }
  const json::value types = type;
  const std::string kind(codec::string_at(types, {"kind"}));
  if (kind != "Namespace" && kind != "DeleteOptions") {
    return Error(ErrorKind::InvalidArgument,
                 "a " + (kind.empty() ? std::string("body without a kind") : kind) +
                     " is read as JSON or YAML only");
  }
  TRY(json::object out, message(raw, kind == "Namespace" ? kNamespaceShape : kDeleteOptionsShape));
  out["apiVersion"] = codec::string_at(types, {"apiVersion"});
  out["kind"] = kind;
  return json::value(std::move(out));
}

}  // namespace roadstead::objects
