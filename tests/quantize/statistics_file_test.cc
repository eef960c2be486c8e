// SPDX-License-Identifier: Apache-2.0
// Statistics in files: what was saved is read again; damaged and hostile files get a message.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "edit/failure.h"
#include "flatbuffers/flexbuffers.h"
#include "quantize/statistics.h"

namespace cygnet::test {
namespace {

std::string scratch(const std::string& name) {
  return testing::TempDir() + "cygnet_statistics_" + name;
}

Statistics some_statistics(uint32_t seed) {
  std::mt19937 engine(seed);
  Statistics statistics;
  statistics.samples = 3;
  for (const char* name : {"a", "b/c;d", "\xc3\xa9"}) {
    TensorStatistics& t = statistics.tensors[name];
    for (int run = 0; run < 3; ++run) {
      std::vector<float> values(600);
      for (float& v : values)
        v = std::normal_distribution<float>(0.3f, 1.0f + static_cast<float>(run))(engine);
      t.add(values, 6, true);
    }
  }
  statistics.tensors["constant"].add(std::vector<float>(8, 2.5f), 8, true);
  statistics.tensors["zero"].add(std::vector<float>(8, 0.0f), 8, true);
  statistics.tensors["no histogram"].add(std::vector<float>{-1, 1e30f}, 1, false);
  statistics.tensors["never"];
  return statistics;
}

void expect_equal(const Statistics& a, const Statistics& b) {
  EXPECT_EQ(a.samples, b.samples);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, t] : a.tensors) {
    ASSERT_TRUE(b.tensors.contains(name)) << name;
    const TensorStatistics& u = b.tensors.at(name);
    EXPECT_EQ(t.runs, u.runs);
    EXPECT_EQ(t.elements, u.elements);
    EXPECT_EQ(t.not_finite, u.not_finite);
    EXPECT_EQ(t.min, u.min);
    EXPECT_EQ(t.max, u.max);
    EXPECT_EQ(t.average_min, u.average_min);
    EXPECT_EQ(t.average_max, u.average_max);
    EXPECT_EQ(t.limit, u.limit);
    EXPECT_EQ(t.bins, u.bins);
    EXPECT_EQ(t.channel_sums, u.channel_sums);
    EXPECT_EQ(t.channel_count, u.channel_count);
  }
}

std::vector<char> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const void* data, size_t n) {
  std::ofstream(path, std::ios::binary)
      .write(static_cast<const char*>(data), static_cast<std::streamsize>(n));
}

std::string failure_of_loading(const std::string& path) {
  try {
    load_statistics(path);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "no failure";
}

TEST(StatisticsFile, WhatWasSavedIsReadAgain) {
  const std::string path = scratch("saved");
  const Statistics statistics = some_statistics(1);
  save_statistics(statistics, path);
  expect_equal(load_statistics(path), statistics);
  // Over an old file, and the same bytes for the same statistics.
  const std::vector<char> before = bytes_of(path);
  save_statistics(load_statistics(path), path);
  EXPECT_EQ(bytes_of(path), before);
  // A merge of parts that were saved.
  Statistics merged = load_statistics(path), direct = statistics;
  merged.merge(some_statistics(2));
  direct.merge(some_statistics(2));
  expect_equal(merged, direct);
  std::filesystem::remove(path);
}

TEST(StatisticsFile, NothingIsHalfWritten) {
  const std::string folder = scratch("no_folder");
  std::filesystem::remove_all(folder);
  EXPECT_THROW(save_statistics(some_statistics(1), folder + "/file"), Failure);
  EXPECT_FALSE(std::filesystem::exists(folder));
  // A folder where the file is to lie.
  std::filesystem::create_directory(folder);
  std::filesystem::create_directory(folder + "/file");
  EXPECT_THROW(save_statistics(some_statistics(1), folder + "/file"), Failure);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::remove_all(folder);
}

TEST(StatisticsFile, MissingAndForeignFiles) {
  const std::string path = scratch("foreign");
  EXPECT_NE(failure_of_loading(path), "no failure");
  write_bytes(path, "", 0);
  EXPECT_NE(failure_of_loading(path), "no failure");
  const std::string words = "this is no file of statistics, but some words";
  write_bytes(path, words.data(), words.size());
  EXPECT_NE(failure_of_loading(path).find("no file of statistics"), std::string::npos);
  std::filesystem::remove(path);
}

TEST(StatisticsFile, EveryDamageIsFoundOrHarmless) {
  const std::string path = scratch("damaged");
  save_statistics(some_statistics(1), path);
  const std::vector<char> good = bytes_of(path);
  std::mt19937 engine(11);
  for (int i = 0; i < 3000; ++i) {
    std::vector<char> bad = good;
    if (i % 3 == 0) bad.resize(engine() % bad.size());
    for (int k = 0; k < 1 + i % 4 && !bad.empty(); ++k)
      bad[engine() % bad.size()] = static_cast<char>(engine());
    write_bytes(path, bad.data(), bad.size());
    failure_of_loading(path);  // any message will do: it must not crash
  }
  std::filesystem::remove(path);
}

/// A file with one tensor, whose values a test may change.
struct Tensor1 {
  std::string format = "cygnet statistics", name = "t";
  int64_t version = 1, bin_count = 4096, samples = 1, runs = 1, elements = 10, first_bin = 2000;
  double min = -1, max = 1, average_min = -1, average_max = 1, limit = 2;
  std::vector<int64_t> bins = {4, 6};
  std::vector<double> sums = {1.5};
  std::string leave_out;
  int times = 1;

  std::string load() const {
    flexbuffers::Builder b;
    b.Map([&] {
      b.String("format", format);
      b.Int("version", version);
      b.Int("bins", bin_count);
      if (leave_out != "samples") b.Int("samples", samples);
      b.Vector("tensors", [&] {
        for (int i = 0; i < times; ++i) b.Map([&] { write(b); });
      });
    });
    b.Finish();
    const std::string path = scratch("one");
    write_bytes(path, b.GetBuffer().data(), b.GetBuffer().size());
    std::string message = failure_of_loading(path);
    std::filesystem::remove(path);
    return message.starts_with(path + ": ") ? message.substr(path.size() + 2) : message;
  }

 private:
  void write(flexbuffers::Builder& b) const {
    const auto put = [&](const char* key, auto value) {
      if (leave_out == key) return;
      if constexpr (std::is_same_v<decltype(value), double>)
        b.Double(key, value);
      else
        b.Int(key, value);
    };
    if (leave_out != "name") b.String("name", name);
    put("runs", runs);
    put("elements", elements);
    put("not_finite", int64_t{0});
    put("min", min);
    put("max", max);
    put("average_min", average_min);
    put("average_max", average_max);
    put("limit", limit);
    put("first_bin", first_bin);
    put("channel_count", int64_t{10});
    if (leave_out != "bins") b.Key("bins"), b.Vector(bins);
    if (leave_out != "channel_sums") b.Key("channel_sums"), b.Vector(sums);
  }
};

std::string load_with(const std::function<void(Tensor1&)>& change) {
  Tensor1 file;
  change(file);
  return file.load();
}

TEST(StatisticsFile, HostileValues) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Tensor1().load(), "no failure");
  EXPECT_EQ(load_with([](Tensor1& t) { t.version = 2; }),
            "version 2 with 4096 bins; this program reads version 1 with 4096 bins: calibrate "
            "again");
  EXPECT_EQ(load_with([](Tensor1& t) { t.bin_count = 2048; }),
            "version 1 with 2048 bins; this program reads version 1 with 4096 bins: calibrate "
            "again");
  EXPECT_EQ(load_with([](Tensor1& t) { t.format = "model"; }), "no file of statistics");
  EXPECT_EQ(load_with([](Tensor1& t) { t.samples = -1; }), "'samples' is -1");
  EXPECT_EQ(load_with([](Tensor1& t) { t.elements = -5; }), "tensor 't': 'elements' is -5");
  EXPECT_EQ(load_with([](Tensor1& t) { t.elements = 9; }),
            "tensor 't': 'bins' counts more than there are elements");
  EXPECT_EQ(load_with([](Tensor1& t) {
              t.bins = {INT64_MAX, INT64_MAX};
            }),
            "tensor 't': 'bins' has what is no count");
  EXPECT_EQ(load_with([](Tensor1& t) {
              t.bins = {11, -1};
            }),
            "tensor 't': 'bins' has what is no count");
  EXPECT_EQ(load_with([](Tensor1& t) { t.first_bin = 4095; }),
            "tensor 't': 'bins' has bins 4095 to 4097; there are 4096");
  for (double bad : {nan, infinity, -infinity}) {
    for (auto field : {&Tensor1::min, &Tensor1::max, &Tensor1::average_min, &Tensor1::limit})
      EXPECT_NE(load_with([&](Tensor1& t) { t.*field = bad; }), "no failure");
    EXPECT_EQ(load_with([&](Tensor1& t) { t.sums = {bad}; }),
              "tensor 't': 'channel_sums' has what is no real number");
  }
  for (double bad : {0.0, 0.5, 1.0, 3.0, -2.0, 1e300})
    EXPECT_NE(load_with([&](Tensor1& t) { t.limit = bad; }).find("no power of two"),
              std::string::npos);
  EXPECT_EQ(load_with([](Tensor1& t) { t.min = 2; }), "tensor 't': 'min' and 'max' are 2 and 1");
  EXPECT_NE(load_with([](Tensor1& t) { t.average_max = 5; }), "no failure");
  EXPECT_EQ(load_with([](Tensor1& t) { t.times = 2; }), "tensor 't' comes twice");
  EXPECT_EQ(load_with([](Tensor1& t) { t.leave_out = "name"; }), "tensor 0 has no name");
  for (const char* key : {"runs", "elements", "not_finite", "first_bin", "channel_count"})
    EXPECT_EQ(load_with([&](Tensor1& t) { t.leave_out = key; }),
              text("tensor 't': '", key, "' is missing or no whole number"));
  for (const char* key : {"min", "max", "average_min", "average_max", "limit"})
    EXPECT_EQ(load_with([&](Tensor1& t) { t.leave_out = key; }),
              text("tensor 't': '", key, "' is missing or no real number"));
  for (const char* key : {"bins", "channel_sums"})
    EXPECT_EQ(load_with([&](Tensor1& t) { t.leave_out = key; }),
              text("tensor 't': '", key, "' is missing or no list"));
}

}  // namespace
}  // namespace cygnet::test
