// SPDX-License-Identifier: Apache-2.0
// Config: what a Keras file says about a model, read with checks.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cygnet::keras {

/// A value somewhere in a JSON document; the document lives as long as any view into it. A missing
/// key reads as null. Wrong types and numbers out of range throw Failure, which names the place.
class Config {
 public:
  Config() = default;

  /// Parses a document; nesting at most 128 deep. `where` is named in messages.
  static Config parse(std::string_view json, const std::string& where);
  /// A text of its own, as if it stood in the file.
  static Config text_value(const std::string& value, const std::string& where);
  static Config number_value(double value, const std::string& where);

  bool null() const;
  bool is_object() const;
  bool is_list() const;
  bool is_text() const;
  bool is_number() const;
  bool is_flag() const;
  /// A number that the file writes with a fraction or an exponent.
  bool is_fraction() const;
  /// Elements of a list or object; 0 for anything else.
  size_t size() const;

  /// The value under a key; null where there is none or where this is no object.
  Config at(const char* key) const;
  bool has(const char* key) const { return !at(key).null(); }
  /// Element i of a list.
  Config at(size_t i) const;
  /// The keys of an object, sorted.
  std::vector<std::string> keys() const;

  std::string text() const;
  int32_t integer() const;
  double number() const;
  bool flag() const;
  /// A list of integers, or one integer as a list of one; null elements read as −1.
  std::vector<int32_t> integers() const;

  std::string text(const char* key, const char* otherwise) const;
  int32_t integer(const char* key, int32_t otherwise) const;
  double number(const char* key, double otherwise) const;
  bool flag(const char* key, bool otherwise) const;

  /// The value as JSON, cut to a length fit for messages.
  std::string brief() const;
  /// Where in the file this is, for messages.
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json& json() const { return *value_; }
  [[noreturn]] void wrong(const char* expected) const;

  std::shared_ptr<const nlohmann::json> value_;  ///< shares ownership of the document
  std::string where_;
};

}  // namespace cygnet::keras
