// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/archive.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <memory>
#include <set>

#include "edit/failure.h"

namespace cygnet::keras {
namespace {

constexpr zip_int64_t kMaxEntries = 100000;
constexpr uint64_t kRatio = 200;
constexpr uint64_t kMaxBytes = uint64_t{64} << 30;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

bool safe_name(const std::string& name) {
  if (name.empty() || name[0] == '/' || name.find('\\') != std::string::npos) return false;
  return ("/" + name + "/").find("/../") == std::string::npos;
}

std::vector<uint8_t> read_entry(zip_t* archive, const zip_stat_t& info, const std::string& where) {
  if (info.size > info.comp_size * kRatio + 65536 || info.size > kMaxBytes)
    throw Failure(text(where, ": I5: ", info.comp_size, " bytes would unfold to ", info.size));
  const std::unique_ptr<zip_file_t, Discard> file(zip_fopen_index(archive, info.index, 0));
  if (file == nullptr) throw Failure(text(where, ": I5: ", zip_strerror(archive)));
  std::vector<uint8_t> result(info.size);
  uint64_t done = 0;
  while (done < info.size) {
    const zip_int64_t got = zip_fread(file.get(), result.data() + done, info.size - done);
    if (got <= 0)
      throw Failure(text(where, ": I5: can't be read, ", zip_file_strerror(file.get())));
    done += static_cast<uint64_t>(got);
  }
  // The read that finds the end also checks the checksum.
  uint8_t more = 0;
  if (zip_fread(file.get(), &more, 1) != 0)
    throw Failure(text(where, ": I5: size or checksum is wrong"));
  return result;
}

}  // namespace

std::map<std::string, std::vector<uint8_t>> read_archive(const std::string& path,
                                                         const std::vector<std::string>& names) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode))
    throw Failure(text(path, ": can't be opened"));
  int code = 0;
  const std::unique_ptr<zip_t, Discard> archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive == nullptr) throw Failure(text(path, ": I5: not a readable zip archive"));
  const zip_int64_t entries = zip_get_num_entries(archive.get(), 0);
  if (entries < 0 || entries > kMaxEntries)
    throw Failure(text(path, ": I5: more than ", kMaxEntries, " entries"));
  std::set<std::string> seen;
  std::map<std::string, std::vector<uint8_t>> result;
  for (zip_int64_t i = 0; i < entries; ++i) {
    zip_stat_t info;
    zip_stat_init(&info);
    constexpr uint64_t kNeeded =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_INDEX;
    if (zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), 0, &info) != 0 ||
        (info.valid & kNeeded) != kNeeded)
      throw Failure(text(path, ": I5: entry ", i, " can't be read"));
    const std::string name = info.name;
    const std::string where = text(path, ": ", name);
    if (!safe_name(name)) throw Failure(text(where, ": I5: not a relative path"));
    if (!seen.insert(name).second) throw Failure(text(where, ": I5: appears twice"));
    if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE)
      throw Failure(text(where, ": I5: neither stored nor deflated"));
    if (info.comp_size > static_cast<uint64_t>(file.st_size))
      throw Failure(text(where, ": I5: larger than the file"));
    if (std::find(names.begin(), names.end(), name) != names.end())
      result[name] = read_entry(archive.get(), info, where);
  }
  return result;
}

}  // namespace cygnet::keras
