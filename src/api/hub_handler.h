// SPDX-License-Identifier: Apache-2.0
// The hub's own host: login, the image registry, and the object API for people with a certificate.
// Lives on the object API's home.
#pragma once

#include "api/login.h"
#include "api/user_handler.h"
#include "objects/handler.h"

namespace roadstead::api {

class HubHandler final : public http::Handler {
 public:
  // `images` may be nullptr: then this hub serves none.
  HubHandler(const UserPort& port, objects::ObjectHandler& objects, http::Handler& login,
             http::Handler* images)
      : port_(port), objects_(objects), login_(login), images_(images) {}

  io::Task<void> handle(http::ServerExchange& exchange) override;

 private:
  io::Task<void> serve_objects(http::ServerExchange& exchange);

  const UserPort& port_;
  objects::ObjectHandler& objects_;
  http::Handler& login_;
  http::Handler* images_;
};

// What the policy says of a request to the hub's own API; for objects::ServiceOptions::authorize.
// `owner_of` tells whose an object is: resource and name in, login out ("" when nobody's).
using OwnerOf = std::function<std::string(std::string_view resource, const std::string& name)>;
objects::Authorize make_authorize(const policy::Authorizer& authorizer, OwnerOf owner_of);

}  // namespace roadstead::api
