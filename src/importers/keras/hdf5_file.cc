// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/hdf5_file.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

#include "edit/failure.h"

namespace cygnet::keras {
namespace {

static_assert(std::is_same_v<hid_t, int64_t>);

// Compressed data may unfold to this many times its size in the file, plus a little.
constexpr uint64_t kRatio = 200;
constexpr uint64_t kSlack = 65536;

// An HDF5 object that closes itself.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }
  bool ok() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// No messages on stderr, no filters loaded from plug-ins.
void silence() {
  H5open();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
}

// An access list that keeps vast caches and file locks away.
hid_t file_access() {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  return access;
}

bool known_filters(hid_t properties) {
  const int count = H5Pget_nfilters(properties);
  if (count < 0) return false;
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0;
    size_t values = 0;
    const H5Z_filter_t filter = H5Pget_filter2(properties, static_cast<unsigned>(i), &flags,
                                               &values, nullptr, 0, nullptr, nullptr);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
        filter != H5Z_FILTER_FLETCHER32)
      return false;
  }
  return true;
}

// Seconds of computing for a file of this size: inflating reaches some 100 MB each second.
rlim_t seconds_for(int64_t bytes) {
  return 3 + static_cast<rlim_t>(bytes >> 23);
}

// What the child wrote before it ended.
std::string read_all(int from) {
  std::string result;
  char part[512];
  for (;;) {
    const ssize_t got = ::read(from, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return result;
    result.append(part, static_cast<size_t>(got));
  }
}

// The child of a rehearsal: what it finds wrong is written to `to`.
template <class Read>
[[noreturn]] void rehearse_child(int to, const std::string& name, int64_t bytes, const Read& read) {
  const int nowhere = ::open("/dev/null", O_WRONLY);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  const rlimit computing{seconds_for(bytes), seconds_for(bytes)}, no_core{0, 0};
  setrlimit(RLIMIT_CPU, &computing);
  setrlimit(RLIMIT_CORE, &no_core);
  std::string damage;
  try {
    damage = read();
  } catch (const Failure& failure) {
    damage = failure.what();
  } catch (const std::exception& e) {
    damage = text(name, ": I4: ", e.what());
  }
  // Less than a pipe holds, so that this never waits.
  if (damage.size() > 2048) damage.resize(2048);
  const ssize_t written = ::write(to, damage.data(), damage.size());
  _exit(written == static_cast<ssize_t>(damage.size()) ? 0 : 1);
}

// Runs `read` in a process of its own. It returns what is damaged; that, a Failure, a signal, an
// abort of a sanitizer or a loop without an end refuses the file.
template <class Read>
void rehearse(const std::string& name, int64_t bytes, const Read& read) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Failure(text(name, ": no pipe to read the file with"));
  const pid_t child = fork();
  if (child == 0) rehearse_child(ends[1], name, bytes, read);
  ::close(ends[1]);
  const std::string damage = child < 0 ? "" : read_all(ends[0]);
  ::close(ends[0]);
  if (child < 0) throw Failure(text(name, ": no process to read the file with"));
  int status = 0;
  pid_t ended = 0;
  do ended = waitpid(child, &status, 0);
  while (ended < 0 && errno == EINTR);
  if (!damage.empty()) throw Failure(damage);
  if (ended != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Failure(text(name, ": I4: damaged, the HDF5 library fails on it"));
}

herr_t append_name(hid_t, const char* name, const H5L_info_t* info, void* list) {
  if (info->type == H5L_TYPE_HARD) static_cast<std::vector<std::string>*>(list)->push_back(name);
  return 0;
}

// Text without the padding of its fixed size.
std::string trimmed(const char* data, size_t size) {
  return std::string(data, strnlen(data, size));
}

}  // namespace

Hdf5File::Hdf5File(int64_t file, std::string name, int64_t bytes)
    : file_(file), name_(std::move(name)), bytes_(bytes) {}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      name_(std::move(other.name_)),
      bytes_(other.bytes_),
      read_bytes_(other.read_bytes_) {}

Hdf5File& Hdf5File::operator=(Hdf5File&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(name_, other.name_);
  std::swap(bytes_, other.bytes_);
  std::swap(read_bytes_, other.read_bytes_);
  return *this;
}

Hdf5File::~Hdf5File() {
  if (file_ >= 0) H5Fclose(file_);
}

// Reads every attribute and data set that an import might.
void Hdf5File::visit(const std::string& group, std::set<uint64_t>& seen) const {
  const auto attempt = [](const auto& read) {
    try {
      read();
    } catch (const Failure&) {
    }
  };
  for (const char* attribute : {"model_config", "keras_version"})
    attempt([&] { read_texts(group, attribute); });
  for (const char* attribute : {"layer_names", "weight_names"})
    attempt([&] { texts_attribute(group, attribute); });
  std::vector<std::string> names;
  {
    const Handle object(H5Gopen2(file_, group.c_str(), H5P_DEFAULT), H5Gclose);
    hsize_t position = 0;
    if (!object.ok() ||
        H5Literate(object, H5_INDEX_NAME, H5_ITER_NATIVE, &position, append_name, &names) < 0)
      broken(group);
  }
  for (const std::string& name : names)
    if (name != "optimizer_weights" && name != "optimizer")
      try_object((group == "/" ? "" : group) + "/" + name, seen);
}

// One that is wrong does not keep the others from being tried.
void Hdf5File::try_object(const std::string& path, std::set<uint64_t>& seen) const {
  try {
    H5O_info_t info{};
    if (!exists(path)) return;
    if (H5Oget_info_by_name(file_, path.c_str(), &info, H5P_DEFAULT) < 0) broken(path);
    if (!seen.insert(info.addr).second) return;
    if (info.type == H5O_TYPE_GROUP) visit(path, seen);
    if (info.type == H5O_TYPE_DATASET) array(path);
  } catch (const Failure&) {
  }
}

Hdf5File Hdf5File::open(const std::string& path) {
  struct stat info {};
  const int64_t bytes = stat(path.c_str(), &info) == 0 ? info.st_size : 0;
  rehearse(path, bytes, [&] {
    Hdf5File file = open_directly(path);
    file.rehearsing_ = true;
    std::set<uint64_t> seen;
    file.visit("/", seen);
    return file.damage_;
  });
  return open_directly(path);
}

Hdf5File Hdf5File::from_memory(std::vector<uint8_t> image, const std::string& name) {
  rehearse(name, static_cast<int64_t>(image.size()), [&] {
    Hdf5File file = open_image(std::move(image), name);
    file.rehearsing_ = true;
    std::set<uint64_t> seen;
    file.visit("/", seen);
    return file.damage_;
  });
  return open_image(std::move(image), name);
}

Hdf5File Hdf5File::open_directly(const std::string& path) {
  silence();
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    throw Failure(text(path, ": can't be opened"));
  const Handle access(file_access(), H5Pclose);
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
  if (file < 0) throw Failure(text(path, ": I4: not a readable HDF5 file"));
  return Hdf5File(file, path, info.st_size);
}

Hdf5File Hdf5File::open_image(std::vector<uint8_t> image, const std::string& name) {
  silence();
  const Handle access(file_access(), H5Pclose);
  const int64_t bytes = static_cast<int64_t>(image.size());
  if (H5Pset_fapl_core(access, 1 << 20, false) < 0 ||
      H5Pset_file_image(access, image.data(), image.size()) < 0)
    throw Failure(text(name, ": no memory for ", bytes, " bytes"));
  std::vector<uint8_t>().swap(image);
  const hid_t file = H5Fopen("weights", H5F_ACC_RDONLY, access);
  if (file < 0) throw Failure(text(name, ": I4: not a readable HDF5 file"));
  return Hdf5File(file, name, bytes);
}

void Hdf5File::fail(const std::string& path, const std::string& what) const {
  throw Failure(text(name_, ": ", path, ": I4: ", what));
}

void Hdf5File::broken(const std::string& path) const {
  const std::string message = text(name_, ": ", path, ": I4: can't be read");
  if (damage_.empty()) damage_ = message;
  throw Failure(message);
}

// Walks the links one by one, so that no link of another kind is ever followed.
bool Hdf5File::exists(const std::string& path) const {
  for (size_t end = 1; end <= path.size(); ++end) {
    if (end < path.size() && path[end] != '/') continue;
    const std::string prefix = path.substr(0, end);
    if (prefix == "/" || prefix.back() == '/') continue;
    const htri_t there = H5Lexists(file_, prefix.c_str(), H5P_DEFAULT);
    if (there < 0) broken(prefix);
    if (there == 0) return false;
    H5L_info_t info{};
    if (H5Lget_info(file_, prefix.c_str(), &info, H5P_DEFAULT) < 0) return false;
    if (info.type != H5L_TYPE_HARD) fail(prefix, "only hard links are allowed");
  }
  return true;
}

std::optional<std::vector<std::string>> Hdf5File::read_texts(const std::string& path,
                                                             const char* attribute) const {
  if (!exists(path)) return std::nullopt;
  const Handle object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), H5Oclose);
  if (!object.ok()) broken(path);
  const htri_t there = H5Aexists(object, attribute);
  if (there < 0) broken(path);
  if (there == 0) return std::nullopt;
  const std::string where = text(path, ", attribute ", attribute);
  const Handle a(H5Aopen(object, attribute, H5P_DEFAULT), H5Aclose);
  if (!a.ok()) broken(where);
  const Handle type(H5Aget_type(a), H5Tclose);
  const Handle space(H5Aget_space(a), H5Sclose);
  if (!type.ok() || !space.ok()) broken(where);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count == 0) return std::vector<std::string>();
  if (H5Tget_class(type) != H5T_STRING) fail(where, "expected text");
  const bool variable = H5Tis_variable_str(type) > 0;
  const size_t size = variable ? sizeof(char*) : H5Tget_size(type);
  if (count < 0 || size == 0 || static_cast<uint64_t>(count) > static_cast<uint64_t>(bytes_) ||
      static_cast<uint64_t>(count) > static_cast<uint64_t>(bytes_) * 16 / size + 16)
    fail(where, text("holds ", count, " texts, more than the file"));
  const size_t n = static_cast<size_t>(count);
  std::vector<std::string> result;
  if (variable) {
    std::vector<char*> texts(n, nullptr);
    const Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    const bool read = H5Aread(a, memory, texts.data()) >= 0;
    for (char* t : texts) result.push_back(read && t != nullptr ? t : "");
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, texts.data());
    if (!read) broken(where);
    return result;
  }
  std::vector<char> bytes(n * size);
  if (H5Aread(a, type, bytes.data()) < 0) broken(where);
  for (size_t i = 0; i < n; ++i) result.push_back(trimmed(bytes.data() + i * size, size));
  return result;
}

std::optional<std::string> Hdf5File::text_attribute(const std::string& path,
                                                    const char* attribute) const {
  auto list = read_texts(path, attribute);
  if (!list) return std::nullopt;
  if (list->size() != 1) fail(path, text("attribute ", attribute, ": expected one text"));
  return std::move(list->front());
}

std::vector<std::string> Hdf5File::texts_attribute(const std::string& path,
                                                   const std::string& attribute) const {
  if (auto list = read_texts(path, attribute.c_str())) return *std::move(list);
  std::vector<std::string> result;
  for (int part = 0;; ++part) {
    auto list = read_texts(path, text(attribute, part).c_str());
    if (!list) return result;
    result.insert(result.end(), list->begin(), list->end());
  }
}

Array Hdf5File::array(const std::string& path) const {
  if (!exists(path)) fail(path, "no such data set");
  const Handle set(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), H5Dclose);
  if (!set.ok()) broken(path);
  const Handle type(H5Dget_type(set), H5Tclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  const Handle properties(H5Dget_create_plist(set), H5Pclose);
  if (!type.ok() || !space.ok() || !properties.ok()) broken(path);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_FLOAT && kind != H5T_INTEGER) fail(path, "expected numbers");
  if (H5Pget_layout(properties) == H5D_VIRTUAL) fail(path, "virtual data sets are refused");
  if (H5Pget_external_count(properties) != 0) fail(path, "external storage is refused");
  if (!known_filters(properties))
    fail(path, "only the filters deflate, shuffle and fletcher32 are allowed");
  Array result;
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > kMaxRank) fail(path, text("expected rank 0 to ", kMaxRank));
  hsize_t dims[kMaxRank] = {};
  if (rank > 0) H5Sget_simple_extent_dims(space, dims, nullptr);
  uint64_t elements = 1;
  for (int i = 0; i < rank; ++i) {
    if (dims[i] > 0x7fffffff || __builtin_mul_overflow(elements, dims[i], &elements) ||
        elements > 0x7fffffff)
      fail(path, "more than 2^31-1 elements");
    result.dims.push_back(static_cast<int32_t>(dims[i]));
  }
  const uint64_t bytes = elements * H5Tget_size(type);
  const uint64_t stored = H5Dget_storage_size(set);
  const bool packed = H5Pget_nfilters(properties) > 0;
  if (stored > static_cast<uint64_t>(bytes_) ||
      bytes > (packed ? stored * kRatio + kSlack : stored))
    fail(path, text("holds ", stored, " bytes for ", elements, " elements"));
  read_bytes_ += static_cast<int64_t>(elements * sizeof(float));
  if (read_bytes_ / 8 > bytes_ + (int64_t{1} << 27))
    fail(path, "the weights unfold to more than 8 times the file and 1 GiB");
  // Plain data is only copied; a chunked layout has an index of its own.
  if (rehearsing_ && H5Pget_layout(properties) != H5D_CHUNKED) return result;
  result.values.resize(elements);
  if (elements > 0 &&
      H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, result.values.data()) < 0)
    broken(path);
  return result;
}

}  // namespace cygnet::keras
