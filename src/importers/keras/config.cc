// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/config.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "edit/failure.h"

namespace cygnet::keras {
namespace {

constexpr int kMaxDepth = 128;

}  // namespace

Config Config::parse(std::string_view json, const std::string& where) {
  const auto guard = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kMaxDepth)
      throw Failure(cygnet::text(where, ": I5: JSON nested deeper than ", kMaxDepth));
    return true;
  };
  Config result;
  result.where_ = where;
  try {
    result.value_ = std::make_shared<const nlohmann::json>(
        nlohmann::json::parse(json.begin(), json.end(), guard));
  } catch (const nlohmann::json::exception& e) {
    throw Failure(cygnet::text(where, ": I5: not valid JSON: ", e.what()));
  }
  return result;
}

Config Config::text_value(const std::string& value, const std::string& where) {
  Config result;
  result.where_ = where;
  result.value_ = std::make_shared<const nlohmann::json>(value);
  return result;
}

Config Config::number_value(double value, const std::string& where) {
  Config result;
  result.where_ = where;
  result.value_ = std::make_shared<const nlohmann::json>(value);
  return result;
}

bool Config::null() const {
  return value_ == nullptr || json().is_null();
}
bool Config::is_object() const {
  return value_ != nullptr && json().is_object();
}
bool Config::is_list() const {
  return value_ != nullptr && json().is_array();
}
bool Config::is_text() const {
  return value_ != nullptr && json().is_string();
}
bool Config::is_number() const {
  return value_ != nullptr && json().is_number();
}
bool Config::is_fraction() const {
  return value_ != nullptr && json().is_number_float();
}
bool Config::is_flag() const {
  return value_ != nullptr && json().is_boolean();
}

size_t Config::size() const {
  return is_object() || is_list() ? json().size() : 0;
}

Config Config::at(const char* key) const {
  Config result;
  result.where_ = cygnet::text(where_, ".", key);
  if (!is_object()) return result;
  const auto found = json().find(key);
  if (found != json().end()) result.value_ = std::shared_ptr<const nlohmann::json>(value_, &*found);
  return result;
}

Config Config::at(size_t i) const {
  if (!is_list() || i >= size()) wrong(cygnet::text("a list of more than ", i).c_str());
  Config result;
  result.value_ = std::shared_ptr<const nlohmann::json>(value_, &json()[i]);
  result.where_ = cygnet::text(where_, "[", i, "]");
  if (!result.is_object()) return result;
  const Config inner = result.at("config").at("name"), outer = result.at("name");
  const std::string name = inner.is_text() ? inner.text() : outer.is_text() ? outer.text() : "";
  if (!name.empty() && name.size() <= 64) result.where_ = cygnet::text(where_, "[", name, "]");
  return result;
}

std::vector<std::string> Config::keys() const {
  std::vector<std::string> result;
  if (is_object())
    for (const auto& item : json().items()) result.push_back(item.key());
  return result;
}

void Config::wrong(const char* expected) const {
  throw Failure(cygnet::text(where_, ": expected ", expected, ", got ", brief()));
}

std::string Config::text() const {
  if (!is_text()) wrong("a text");
  return json().get<std::string>();
}

int32_t Config::integer() const {
  const double value = is_number() ? json().get<double>() : 0.5;
  // Every 32-bit integer is a double.
  if (value != std::floor(value) || std::abs(value) > std::numeric_limits<int32_t>::max())
    wrong("a 32-bit integer");
  return static_cast<int32_t>(value);
}

double Config::number() const {
  if (!is_number()) wrong("a number");
  return json().get<double>();
}

bool Config::flag() const {
  if (is_flag()) return json().get<bool>();
  if (is_number()) return json().get<double>() != 0;
  wrong("true or false");
}

std::vector<int32_t> Config::integers() const {
  if (!is_list()) return {integer()};
  std::vector<int32_t> result;
  for (size_t i = 0; i < size(); ++i) result.push_back(at(i).null() ? -1 : at(i).integer());
  return result;
}

std::string Config::text(const char* key, const char* otherwise) const {
  const Config value = at(key);
  return value.null() ? otherwise : value.text();
}

int32_t Config::integer(const char* key, int32_t otherwise) const {
  const Config value = at(key);
  return value.null() ? otherwise : value.integer();
}

double Config::number(const char* key, double otherwise) const {
  const Config value = at(key);
  return value.null() ? otherwise : value.number();
}

bool Config::flag(const char* key, bool otherwise) const {
  const Config value = at(key);
  return value.null() ? otherwise : value.flag();
}

std::string Config::brief() const {
  if (value_ == nullptr) return "nothing";
  std::string result = json().dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (result.size() > 80) result = result.substr(0, 77) + "...";
  return result;
}

}  // namespace cygnet::keras
