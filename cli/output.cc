// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "cli/failure.h"

namespace cygnet::cli {
namespace {

/// Three significant digits and a unit, each of which is 1000 of the one before.
std::string scaled(double value, std::initializer_list<const char*> units) {
  auto unit = units.begin();
  while (std::abs(value) >= 999.5 && unit + 1 != units.end()) {
    value /= 1000;
    ++unit;
  }
  return text(number(value, 3), **unit == '\0' ? "" : " ", *unit);
}

/// Columns that text takes on a terminal: code points, which is right for all but wide characters.
size_t columns(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string padded(const std::string& cell, size_t width, bool right) {
  std::string spaces(width - std::min(width, columns(cell)), ' ');
  return right ? spaces + cell : cell + spaces;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return result;
}

std::string number(double value, int digits) {
  std::ostringstream stream;
  stream << std::setprecision(digits) << value;
  std::string plain = stream.str();
  // Four digits before the point are easier to read whole than as a power of ten.
  if (plain.find('e') != std::string::npos && std::abs(value) >= 1 && std::abs(value) < 1e6) {
    stream.str("");
    stream << std::fixed << std::setprecision(0) << value;
    plain = stream.str();
  }
  return plain;
}

std::string human_bytes(int64_t bytes) {
  return scaled(static_cast<double>(bytes), {"B", "kB", "MB", "GB", "TB"});
}

std::string human_count(int64_t count) {
  return scaled(static_cast<double>(count), {"", "k", "M", "G", "T"});
}

std::string human_time(double seconds) {
  return seconds < 1 ? number(seconds * 1000, 3) + " ms" : number(seconds, 3) + " s";
}

Table::Table(std::vector<std::string> titles) : titles_(std::move(titles)) {
  for (std::string& title : titles_) {
    right_.push_back(title.starts_with('>'));
    if (right_.back()) title.erase(0, 1);
  }
}

void Table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::print(int indent) const {
  std::vector<size_t> widths;
  for (const std::string& title : titles_) widths.push_back(columns(title));
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  auto print_row = [&](const std::vector<std::string>& row) {
    std::string line(static_cast<size_t>(indent), ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      line += (i > 0 ? "  " : "") + padded(row[i], widths[i], right_[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::cout << line << '\n';
  };
  bool titled = std::any_of(titles_.begin(), titles_.end(), [](auto& t) { return !t.empty(); });
  if (titled) print_row(titles_);
  for (const auto& row : rows_) print_row(row);
}

Progress::Progress(std::string what, int64_t total)
    : what_(std::move(what)), total_(total), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void Progress::update(int64_t done) {
  constexpr auto kPatience = std::chrono::seconds(1);
  constexpr auto kInterval = std::chrono::milliseconds(100);
  constexpr int kWidth = 30;
  if (!terminal_ || total_ <= 0) return;
  Clock::time_point now = Clock::now();
  if (now - start_ < kPatience || now - last_ < kInterval) return;
  last_ = now;
  shown_ = true;
  double share = std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0.0, 1.0);
  size_t filled = static_cast<size_t>(share * kWidth);
  std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  double left =
      std::chrono::duration<double>(now - start_).count() * (1 - share) / std::max(share, 1e-6);
  std::fprintf(stderr, "\r%s [%s] %lld/%lld, %s left\x1b[K", what_.c_str(), bar.c_str(),
               static_cast<long long>(done), static_cast<long long>(total_),
               human_time(left).c_str());
}

StatusLine::StatusLine(std::string what) : what_(std::move(what)), terminal_(isatty(2) != 0) {}

void StatusLine::show(const char* step) {
  if (!terminal_) return;
  std::cerr << "\r\x1b[K" << what_ << ": " << step << std::flush;
  shown_ = true;
}

void StatusLine::clear() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  shown_ = false;
}

}  // namespace cygnet::cli
