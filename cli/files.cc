// SPDX-License-Identifier: Apache-2.0
#include "cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "cli/failure.h"

namespace cygnet::cli {
namespace {

namespace fs = std::filesystem;

/// An open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  /// Closes now; false when the system reports that a write failed late.
  bool close() {
    int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

/// Removes a file at the end of the scope unless keep() was called.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!kept_) ::unlink(path_.c_str());
  }
  void keep() { kept_ = true; }

 private:
  fs::path path_;
  bool kept_ = false;
};

Failure cannot(const char* verb, const std::string& path, int error) {
  return Failure(text("cannot ", verb, " ", path, ": ", std::strerror(error)));
}

bool write_all(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return true;
}

/// Where a write to `path` ends up when symbolic links are followed.
fs::path destination(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  fs::path target = fs::weakly_canonical(path, error);
  return error ? fs::path(path) : target;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Creates a file of a name that nobody uses, next to `target`. Its name goes to `name`.
int create_beside(const fs::path& target, mode_t mode, fs::path* name) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    *name =
        folder_of(target) / text(".", target.filename().string(), ".", ::getpid(), ".", attempt);
    int fd = ::open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

using Parts = std::vector<std::span<const uint8_t>>;

bool write_parts(int fd, const Parts& parts) {
  for (std::span<const uint8_t> part : parts)
    if (!write_all(fd, part)) return false;
  return true;
}

void write_directly(const std::string& path, const Parts& parts) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open() || !write_parts(file.get(), parts)) throw cannot("write", path, errno);
}

}  // namespace

std::vector<uint8_t> read_file(const std::string& path, uint64_t max_bytes) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file.is_open() || ::fstat(file.get(), &info) != 0) throw cannot("read", path, errno);
  if (!S_ISREG(info.st_mode)) throw Failure(text("cannot read ", path, ": not a regular file"));
  uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > max_bytes) {
    throw Failure(text(path, ": ", size, " bytes are more than the limit of ", max_bytes));
  }
  std::vector<uint8_t> bytes(static_cast<size_t>(size));
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw cannot("read", path, errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

void write_file(const std::string& path, std::span<const uint8_t> bytes) {
  write_parts(path, Parts{bytes});
}

void write_parts(const std::string& path, const Parts& parts) {
  fs::path target = destination(path);
  struct stat info {};
  bool exists = ::stat(target.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) throw cannot("write", path, EISDIR);
  if (exists && !S_ISREG(info.st_mode)) return write_directly(path, parts);

  fs::path name;
  Descriptor file(create_beside(target, exists ? (info.st_mode & 0777) : 0666, &name));
  if (!file.is_open()) throw cannot("write", path, errno);
  TemporaryFile temporary(name);
  if (!write_parts(file.get(), parts) || ::fsync(file.get()) != 0 || !file.close() ||
      ::rename(name.c_str(), target.c_str()) != 0) {
    throw cannot("write", path, errno);
  }
  temporary.keep();
}

void check_writable(const std::string& path) {
  if (path.empty()) throw Failure("cannot write an output file with an empty name");
  fs::path target = destination(path);
  struct stat info {};
  if (::stat(target.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) throw cannot("write", path, EISDIR);
    if (::access(target.c_str(), W_OK) != 0) throw cannot("write", path, errno);
    if (!S_ISREG(info.st_mode)) return;
  }
  fs::path folder = folder_of(target);
  if (::stat(folder.c_str(), &info) != 0) throw cannot("write", path, errno);
  if (!S_ISDIR(info.st_mode)) throw cannot("write", path, ENOTDIR);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) throw cannot("write", path, errno);
}

std::vector<std::string> read_lines(const std::string& path) {
  constexpr uint64_t kMaxBytes = 64 << 20;
  std::vector<uint8_t> bytes = read_file(path, kMaxBytes);
  std::istringstream stream(std::string(bytes.begin(), bytes.end()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) break;
    lines.push_back(line);
  }
  return lines;
}

}  // namespace cygnet::cli
