/* Announces every change below a folder before it is made, and waits for the answer.

   Loaded with LD_PRELOAD into a command and all that it starts: Python, the JVM, SQLite, Arrow. CRASH_ROOT is the folder,
   CRASH_SOCKET the Unix socket of the listener. An event is one line, "operation path"; the answer is one byte: 0, and the
   change is made, or the number of the error with which it fails, such as ENOSPC. A listener that kills the processes
   instead of answering leaves the folder exactly as it was before that change. Of the writes to a file, only the first
   after it was opened is announced. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define FILES 65536

static const char *root, *listener;
static size_t root_length;
static volatile char unwritten[FILES]; /* by file descriptor: opened for writing below the folder, not yet written */

__attribute__((constructor)) static void start(void) {
    root = getenv("CRASH_ROOT");
    listener = getenv("CRASH_SOCKET");
    root_length = root ? strlen(root) : 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Returns the number of the error with which the change must fail; 0: none. */
static int announce(const char *operation, const char *path) {
    int error = errno;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, listener, sizeof address.sun_path - 1);
    char line[PATH_MAX + 64];
    unsigned char answer = 0;
    int length = snprintf(line, sizeof line, "%s %s\n", operation, path);
    if (s >= 0) {
        if (connect(s, (struct sockaddr *)&address, sizeof address) == 0 && send(s, line, length, MSG_NOSIGNAL) == length)
            while (recv(s, &answer, 1, 0) < 0 && errno == EINTR) {
            }
        close(s);
    }
    errno = answer ? answer : error;
    return answer;
}

static int below(const char *path) {
    return root && !strncmp(path, root, root_length) && (path[root_length] == '/' || path[root_length] == 0);
}

/* Announces an operation if its path is below the folder; returns whether it must fail, and sets errno. */
static int fails(const char *operation, int directory, const char *path) {
    char full[PATH_MAX] = "";
    if (!root || !path) return 0;
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, full, sizeof full - 1);
        if (length < 0 || (size_t)length + strlen(path) + 2 > sizeof full) return 0;
        full[length] = '/';
        strcpy(full + length + 1, path);
        path = full;
    }
    return below(path) ? announce(operation, path) : 0;
}

/* Announces the removal of something that exists, or the making of something that does not. */
static int fails_if(const char *operation, int directory, const char *path, int there) {
    struct stat before;
    if (!root || !path) return 0;
    int error = errno, is_there = fstatat(directory, path, &before, AT_SYMLINK_NOFOLLOW) == 0;
    errno = error;
    return is_there == there && fails(operation, directory, path);
}

static int first_write(int fd) {
    if (fd < 0 || fd >= FILES || !unwritten[fd]) return 0;
    unwritten[fd] = 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails("write", AT_FDCWD, path);
}

/* Creating or truncating a file is a change; opening one to write into it is not, but the first write is. */
static int refused(int directory, const char *path, int flags) {
    struct stat before;
    if (!root || !path || (flags & O_DIRECTORY) || !(flags & (O_CREAT | O_TRUNC))) return 0;
    int error = errno, exists = fstatat(directory, path, &before, 0) == 0;
    errno = error;
    if (exists && !(flags & O_TRUNC)) return 0;
    return fails(exists ? "truncate" : "create", directory, path);
}

static int opened(int fd, int flags) {
    char link[64], path[PATH_MAX];
    if (!root || fd < 0 || fd >= FILES) return fd;
    int error = errno, inside = 0;
    if ((flags & O_ACCMODE) != O_RDONLY) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) path[length] = 0, inside = below(path);
    }
    unwritten[fd] = inside;
    errno = error;
    return fd;
}

#define MODE                                                                     \
    mode_t mode = 0;                                                             \
    if (flags & (O_CREAT | O_TMPFILE)) {                                         \
        va_list more;                                                            \
        va_start(more, flags);                                                   \
        mode = va_arg(more, mode_t);                                             \
        va_end(more);                                                            \
    }
#define OPEN(name)                                                               \
    int name(const char *path, int flags, ...) {                                 \
        MODE return refused(AT_FDCWD, path, flags) ? -1 : opened(REAL(name)(path, flags, mode), flags); \
    }
#define OPENAT(name)                                                             \
    int name(int at, const char *path, int flags, ...) {                         \
        MODE return refused(at, path, flags) ? -1 : opened(REAL(name)(at, path, flags, mode), flags); \
    }
#define WRITE(name, last_type)                                                   \
    ssize_t name(int fd, const void *data, size_t size, last_type at) {          \
        return first_write(fd) ? -1 : REAL(name)(fd, data, size, at);            \
    }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64) WRITE(pwrite, off_t) WRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t size) { return first_write(fd) ? -1 : REAL(write)(fd, data, size); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return first_write(fd) ? -1 : REAL(writev)(fd, parts, count);
}
int rename(const char *from, const char *to) {
    return fails("rename", AT_FDCWD, to) ? -1 : REAL(rename)(from, to);
}
int renameat(int a, const char *from, int b, const char *to) {
    return fails("rename", b, to) ? -1 : REAL(renameat)(a, from, b, to);
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return fails("rename", b, to) ? -1 : REAL(renameat2)(a, from, b, to, flags);
}
int link(const char *from, const char *to) { return fails("link", AT_FDCWD, to) ? -1 : REAL(link)(from, to); }
int unlink(const char *path) { return fails_if("delete", AT_FDCWD, path, 1) ? -1 : REAL(unlink)(path); }
int remove(const char *path) { return fails_if("delete", AT_FDCWD, path, 1) ? -1 : REAL(remove)(path); }
int rmdir(const char *path) { return fails_if("delete", AT_FDCWD, path, 1) ? -1 : REAL(rmdir)(path); }
int unlinkat(int at, const char *path, int flags) {
    return fails_if("delete", at, path, 1) ? -1 : REAL(unlinkat)(at, path, flags);
}
int mkdir(const char *path, mode_t mode) { return fails_if("mkdir", AT_FDCWD, path, 0) ? -1 : REAL(mkdir)(path, mode); }
int mkdirat(int at, const char *path, mode_t mode) {
    return fails_if("mkdir", at, path, 0) ? -1 : REAL(mkdirat)(at, path, mode);
}
