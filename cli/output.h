// SPDX-License-Identifier: Apache-2.0
// What the subcommands print: tables for people, JSON for programs, progress for the impatient.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cygnet::cli {

/// Text from a file made safe to print on one line of a terminal: control characters become '?'.
std::string printable(std::string_view text);

/// "1.21 MB", "532 B": powers of 1000.
std::string human_bytes(int64_t bytes);
/// "569 M", "1.21 G": a count with three significant digits.
std::string human_count(int64_t count);
/// "0.84 ms", "1.2 s".
std::string human_time(double seconds);
/// `digits` significant digits, no trailing zeros.
std::string number(double value, int digits = 4);

/// Rows of cells that are printed in aligned columns, with the columns' titles above. A title that
/// begins with '>' (which is not printed) makes a column of numbers, aligned at its right.
/// Without any title there is no line for them.
class Table {
 public:
  explicit Table(std::vector<std::string> titles);
  /// As many cells as there are titles.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  /// Prints to standard output, `indent` spaces before each line.
  void print(int indent = 0) const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

/// A JSON value.
struct Json {
  using List = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  std::variant<std::nullptr_t, bool, int64_t, double, std::string, List, Object> value = nullptr;

  Json() = default;
  Json(bool b) : value(b) {}
  Json(int i) : value(int64_t{i}) {}
  Json(int64_t i) : value(i) {}
  Json(double d) : value(d) {}
  Json(std::string s) : value(std::move(s)) {}
  Json(std::string_view s) : value(std::string(s)) {}
  Json(const char* s) : value(std::string(s)) {}
  Json(List list) : value(std::move(list)) {}
  Json(Object object) : value(std::move(object)) {}
};

/// Prints a value to standard output, indented. Bytes that are no UTF-8 become U+FFFD, numbers that
/// are not finite become null.
void print_json(const Json& value);
/// Writes a file, whole or not at all. Throws Failure.
void write_json(const std::string& path, const Json& value);

/// A bar on standard error, shown only when that is a terminal and the work lasts over a second.
class Progress {
 public:
  Progress(std::string what, int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// `done` of the total are done.
  void update(int64_t done);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  int64_t total_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

/// One line on a terminal that says what is done now; nothing in a pipe.
class StatusLine {
 public:
  explicit StatusLine(std::string what);
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  void show(const char* step);
  void clear();

 private:
  std::string what_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace cygnet::cli
