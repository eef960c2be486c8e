// SPDX-License-Identifier: Apache-2.0
#include "cli/npz.h"

#include <gtest/gtest.h>
#include <zip.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "cli/failure.h"
#include "cli/files.h"
#include "graph/strings.h"
#include "scratch_folder.h"

namespace cygnet::cli {
namespace {

constexpr uint64_t kCap = 1 << 20;

std::vector<uint8_t> npy(const std::string& header, std::vector<uint8_t> data, int version = 1) {
  std::vector<uint8_t> bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<uint8_t>(version), 0};
  size_t n = header.size();
  bytes.push_back(static_cast<uint8_t>(n));
  bytes.push_back(static_cast<uint8_t>(n >> 8));
  if (version > 1) bytes.insert(bytes.end(), {0, 0});
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Array decode(const std::string& header, std::vector<uint8_t> data, int version = 1) {
  return decode_npy(npy(header, std::move(data), version), "x.npy");
}

Array sample(Type type, std::vector<int64_t> shape) {
  Array array{type, std::move(shape), {}};
  size_t bytes = static_cast<size_t>(type_bits(type)) / 8;
  for (int64_t d : array.shape) bytes *= static_cast<size_t>(d);
  for (size_t i = 0; i < bytes; ++i) array.data.push_back(static_cast<uint8_t>(i * 37 + 5));
  return array;
}

void expect_equal(const Array& a, const Array& b) {
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.shape, b.shape);
  EXPECT_EQ(a.data, b.data);
}

/// Writes an archive of one entry, compressed.
void write_deflated(const std::string& path, const std::string& name,
                    const std::vector<uint8_t>& bytes) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  zip_int64_t i = zip_file_add(archive, name.c_str(), source, 0);
  zip_set_file_compression(archive, static_cast<zip_uint64_t>(i), ZIP_CM_DEFLATE, 9);
  ASSERT_EQ(zip_close(archive), 0);
}

TEST(Npz, RoundTripOfEveryTypeAndShape) {
  ScratchFolder folder;
  std::vector<NamedArray> arrays;
  for (Type type : {Type::boolean, Type::int8, Type::uint8, Type::int16, Type::uint16, Type::int32,
                    Type::uint32, Type::int64, Type::uint64, Type::float16, Type::float32,
                    Type::float64, Type::complex64, Type::complex128}) {
    arrays.push_back({text("a/", type_name(type), ":0"), sample(type, {2, 3})});
  }
  arrays.push_back({"scalar", sample(Type::float32, {})});
  arrays.push_back({"row", sample(Type::int16, {5})});
  arrays.push_back({"empty", sample(Type::int8, {4, 0, 2})});
  arrays.push_back({"deep", sample(Type::uint8, {1, 2, 1, 2, 1, 2, 1, 2})});
  std::string path = folder.file("x.npz");
  write_arrays(path, arrays);
  ArchiveReader reader(path, kCap);
  ASSERT_EQ(reader.names().size(), arrays.size());
  for (const NamedArray& item : arrays) {
    SCOPED_TRACE(item.name);
    int i = reader.find(item.name);
    ASSERT_GE(i, 0);
    expect_equal(reader.read(i), item.array);
  }
  EXPECT_EQ(reader.find("absent"), -1);
}

TEST(Npz, EqualArraysGiveEqualFiles) {
  ScratchFolder folder;
  std::vector<NamedArray> arrays = {{"a", sample(Type::int32, {3})}};
  write_arrays(folder.file("1.npz"), arrays);
  write_arrays(folder.file("2.npz"), arrays);
  EXPECT_EQ(read_file(folder.file("1.npz"), kCap), read_file(folder.file("2.npz"), kCap));
}

TEST(Npz, EmptyArchive) {
  ScratchFolder folder;
  write_arrays(folder.file("x.npz"), {});
  EXPECT_TRUE(ArchiveReader(folder.file("x.npz"), kCap).names().empty());
}

TEST(Npz, BareNpy) {
  ScratchFolder folder;
  std::vector<NamedArray> arrays = {{"a", sample(Type::int32, {3})}};
  write_arrays(folder.file("x.npy"), arrays);
  ArchiveReader reader(folder.file("x.npy"), kCap);
  expect_equal(reader.read(0), arrays[0].array);
  arrays.push_back(arrays[0]);
  expect_failure("an .npy file holds one", [&] { write_arrays(folder.file("y.npy"), arrays); });
}

TEST(Npz, DeflatedEntries) {
  ScratchFolder folder;
  Array array = sample(Type::float32, {100});
  write_deflated(folder.file("x.npz"), "a.npy", encode_npy(array));
  expect_equal(ArchiveReader(folder.file("x.npz"), kCap).read(0), array);
}

TEST(Npz, RefusesMoreThanTheCap) {
  ScratchFolder folder;
  write_deflated(folder.file("x.npz"), "a.npy", encode_npy(sample(Type::uint8, {300000})));
  expect_failure("x.npz: 'a': 300", [&] { ArchiveReader(folder.file("x.npz"), 100000).read(0); });
}

TEST(Npz, RefusesFilesThatAreNoArchive) {
  ScratchFolder folder;
  write_file(folder.file("x.npz"), std::vector<uint8_t>{'P', 'K', 3, 4, 0, 0});
  expect_failure("x.npz: not an .npz archive", [&] { ArchiveReader(folder.file("x.npz"), kCap); });
  write_file(folder.file("x.npz"), {});
  expect_failure("x.npz", [&] { ArchiveReader(folder.file("x.npz"), kCap); });
  expect_failure("No such file", [&] { ArchiveReader(folder.file("absent.npz"), kCap); });
}

TEST(Npz, RefusesWhatDoesNotMatchItsCheckSum) {
  ScratchFolder folder;
  std::string path = folder.file("x.npz");
  std::vector<NamedArray> arrays = {{"a", sample(Type::uint8, {64})}};
  write_arrays(path, arrays);
  std::vector<uint8_t> bytes = read_file(path, kCap);
  auto at = std::search(bytes.begin(), bytes.end(), arrays[0].array.data.begin(),
                        arrays[0].array.data.end());
  ASSERT_NE(at, bytes.end());
  *at ^= 1;
  write_file(path, bytes);
  expect_failure("x.npz: 'a': CRC", [&] { ArchiveReader(path, kCap).read(0); });
}

TEST(Npy, Versions) {
  for (int version : {1, 2, 3}) {
    Array array = decode("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n",
                         {1, 2, 3, 4}, version);
    EXPECT_EQ(array.shape, std::vector<int64_t>{2});
    EXPECT_EQ(array.data, (std::vector<uint8_t>{1, 2, 3, 4}));
  }
  expect_failure("version 4", [] {
    decode("{'descr': '<i2', 'fortran_order': False, 'shape': (), }", {1, 2}, 4);
  });
}

TEST(Npy, FortranOrderIsRearranged) {
  Array array =
      decode("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", {0, 10, 1, 11, 2, 12});
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(array.data, (std::vector<uint8_t>{0, 1, 2, 10, 11, 12}));
  array = decode("{'descr': '<u2', 'fortran_order': True, 'shape': (2, 1, 2)}",
                 {0, 0, 10, 1, 1, 0, 11, 1});
  EXPECT_EQ(array.data, (std::vector<uint8_t>{0, 0, 1, 0, 10, 1, 11, 1}));
}

TEST(Npy, RefusesMalformedHeaders) {
  struct Case {
    const char* header;
    const char* words;
  };
  const Case cases[] = {
      {"", "expected '{'"},
      {"{", "expected a quoted string"},
      {"{'descr': '<f4', 'fortran_order': False}", "needs the keys"},
      {"{'descr': '<f4', 'descr': '<f4'}", "comes twice"},
      {"{'descr': '<f4', 'order': False}", "unknown key 'order'"},
      {"{'descr': [('a', '<f4')]}", "structured"},
      {"{'descr': '<f4}", "does not end"},
      {"{'descr': '<f4' 'shape': ()}", "expected ','"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", "True or False"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", "expected ','"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "expected a dimension"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "too large"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "too large"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", "after the dictionary"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': ()}", "big-endian"},
      {"{'descr': '<M8', 'fortran_order': False, 'shape': ()}", "'<M8' are not supported"},
      {"{'descr': '', 'fortran_order': False, 'shape': ()}", "'' are not supported"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "needs 8 bytes, but there are 4"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}", "needs 0 bytes, but there are 4"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.header);
    expect_failure(c.words, [&] { decode(c.header, {1, 2, 3, 4}); });
    expect_failure("x.npy: ", [&] { decode(c.header, {1, 2, 3, 4}); });
  }
}

std::vector<std::string> texts_of(const Array& array) {
  const Strings strings(array.data.data(), array.data.size());
  std::vector<std::string> texts;
  for (int64_t i = 0; i < strings.count(); ++i) texts.emplace_back(strings[i]);
  return texts;
}

TEST(Npy, ByteStrings) {
  const Array array = decode("{'descr': '|S3', 'fortran_order': False, 'shape': (2, 2), }",
                             {'a', 0, 0, 0, 0, 0, 'a', 0, 'b', 'x', 'y', 'z'});
  EXPECT_EQ(array.type, Type::string);
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 2}));
  const std::vector<std::string> texts = {"a", "", std::string("a\0b", 3), "xyz"};
  EXPECT_EQ(texts_of(array), texts);
  const Array again = decode_npy(encode_npy(array), "x.npy");
  EXPECT_EQ(again.type, Type::string);
  EXPECT_EQ(again.shape, array.shape);
  EXPECT_EQ(again.data, array.data);
  const Array turned =
      decode("{'descr': '|S1', 'fortran_order': True, 'shape': (2, 2), }", {'a', 'c', 'b', 'd'});
  EXPECT_EQ(texts_of(turned), (std::vector<std::string>{"a", "b", "c", "d"}));
  const Array none{Type::string, {0}, pack_strings({})};
  EXPECT_EQ(decode_npy(encode_npy(none), "x.npy").data, none.data);
}

TEST(Npy, UnicodeIsReadAsUtf8) {
  const auto unicode = [](std::vector<uint32_t> codes) {
    std::vector<uint8_t> data;
    for (uint32_t code : codes)
      for (int shift : {0, 8, 16, 24}) data.push_back(static_cast<uint8_t>(code >> shift));
    return decode("{'descr': '<U2', 'fortran_order': False, 'shape': (3,), }", data);
  };
  EXPECT_EQ(texts_of(unicode({'a', 0, 0xe9, 0x4e2d, 0x1f9a2, 0})),
            (std::vector<std::string>{"a", "\xc3\xa9\xe4\xb8\xad", "\xf0\x9f\xa6\xa2"}));
  EXPECT_THROW(unicode({'a', 0, 0x110000, 0, 0, 0}), Failure);
  EXPECT_THROW(unicode({'a', 0, 0xd800, 0, 0, 0}), Failure);
}

TEST(Npy, RefusesStringsOfAnotherForm) {
  for (const char* descr : {"|S0", "|S", "|Sx", "<U0", ">U1", "|S99999999999999999999", "|S-1"})
    EXPECT_THROW(
        decode(std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (1,), }",
               {1, 0, 0, 0}),
        Failure)
        << descr;
}

TEST(Npy, RefusesEveryTruncation) {
  std::vector<uint8_t> whole = encode_npy(sample(Type::float32, {3, 2}));
  for (size_t n = 0; n < whole.size(); ++n) {
    EXPECT_NE(failure_of([&] { decode_npy(std::span(whole).first(n), "x"); }), "") << n;
  }
}

TEST(Npz, MutantsAreReadOrRefused) {
  ScratchFolder folder;
  std::vector<NamedArray> arrays = {{"a", sample(Type::float32, {3, 2})},
                                    {"b", sample(Type::uint8, {5})}};
  write_arrays(folder.file("x.npz"), arrays);
  const std::vector<uint8_t> whole = read_file(folder.file("x.npz"), kCap);
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 1500; ++i) {
    std::vector<uint8_t> bytes = whole;
    for (auto k = random() % 5 + 1; k > 0; --k) {
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random() % 3 == 0 ? 0xff : random());
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    std::ofstream(folder.file("m.npz"), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    refused += failure_of([&] {
                 ArchiveReader reader(folder.file("m.npz"), kCap);
                 for (size_t k = 0; k < reader.names().size(); ++k)
                   reader.read(static_cast<int>(k));
               }) != "";
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace cygnet::cli
