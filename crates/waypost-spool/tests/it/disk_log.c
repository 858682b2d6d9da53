/*
 * Preloaded into a process, this notes what it does to the files below WAYPOST_DISK_ROOT, in order,
 * in the file WAYPOST_DISK_LOG; and what it says on standard output. From the notes a test builds
 * what a disk may hold after the power failed at any moment.
 *
 * A note: kind, length of the path (2 bytes), offset (8), length of the data (4), path, data.
 *   C created  W wrote  T truncated to offset  U unlinked  A said
 *   B sync begins  S sync succeeded  F sync failed
 *
 * WAYPOST_DISK_FAIL="FIRST COUNT ERRNO WHICH AGAIN" lets that many of the calls that change files
 * fail, from the one with that number on; WHICH is 1 to count and fail syncs only. With AGAIN, as
 * many fail once more after so many calls each, until the process says a line "refused".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static const char *root;
static long calls, first_failure, failures, again;
static int failure, syncs_only, has_refused;

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("WAYPOST_DISK_LOG");
    const char *fail = getenv("WAYPOST_DISK_FAIL");
    if (fail)
        sscanf(fail, "%ld %ld %d %d %ld", &first_failure, &failures, &failure, &syncs_only,
               &again);
    root = getenv("WAYPOST_DISK_ROOT");
    if (path && root)
        log_fd = REAL(int, open64, const char *, int, ...)
            (path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static void note(char kind, const char *path, uint64_t offset, const void *data, uint32_t len)
{
    char head[15];
    uint16_t path_len = strlen(path);
    ssize_t (*out)(int, const void *, size_t) = REAL(ssize_t, write, int, const void *, size_t);
    head[0] = kind;
    memcpy(head + 1, &path_len, 2);
    memcpy(head + 3, &offset, 8);
    memcpy(head + 11, &len, 4);
    pthread_mutex_lock(&turn);
    if (out(log_fd, head, sizeof head) < 0 || out(log_fd, path, path_len) < 0
        || out(log_fd, data, len) < 0)
        abort();
    pthread_mutex_unlock(&turn);
}

static int is_ours(const char *path)
{
    return log_fd >= 0 && strncmp(path, root, strlen(root)) == 0 && !strstr(path, " (deleted)");
}

/* The path behind a descriptor, when it is one of ours. */
static int path_of(int fd, char *path, size_t size)
{
    char link[40];
    ssize_t len;
    if (log_fd < 0 || fd == log_fd)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, path, size - 1);
    if (len < 0)
        return 0;
    path[len] = 0;
    return is_ours(path);
}

/* Whether this call is one of those that fail. */
static int fails(int is_sync)
{
    long call;
    if (syncs_only && !is_sync)
        return 0;
    call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    call -= first_failure;
    if (again && call >= failures && !__atomic_load_n(&has_refused, __ATOMIC_SEQ_CST))
        call %= again;
    if (call < 0 || call >= failures)
        return 0;
    errno = failure;
    return 1;
}

static int opened(const char *name, const char *path, int flags, int mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    int is_new = (flags & O_CREAT) && is_ours(path) && access(path, F_OK) != 0;
    int fd;
    if (is_new && fails(0))
        return -1;
    fd = real(path, flags, mode);
    if (fd >= 0 && is_new)
        note('C', path, 0, "", 0);
    return fd;
}

#define OPEN(name)                                     \
    int name(const char *path, int flags, ...)         \
    {                                                  \
        va_list rest;                                  \
        int mode;                                      \
        va_start(rest, flags);                         \
        mode = (flags & O_CREAT) ? va_arg(rest, int) : 0; \
        va_end(rest);                                  \
        return opened(#name, path, flags, mode);       \
    }
OPEN(open)
OPEN(open64)

#define PWRITE(name)                                                        \
    ssize_t name(int fd, const void *data, size_t len, off_t offset)        \
    {                                                                       \
        char path[4096];                                                    \
        int ours = path_of(fd, path, sizeof path);                          \
        ssize_t done;                                                       \
        if (ours && fails(0))                                                \
            return -1;                                                      \
        done = REAL(ssize_t, name, int, const void *, size_t, off_t)        \
            (fd, data, len, offset);                                        \
        if (done > 0 && ours)                                               \
            note('W', path, offset, data, done);                            \
        return done;                                                        \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t write(int fd, const void *data, size_t len)
{
    char path[4096];
    int ours = fd > 2 && path_of(fd, path, sizeof path);
    ssize_t done;
    if (fd == 1 && log_fd >= 0)
        note('A', "", 0, data, len);
    if (fd == 1 && len > 7 && !memcmp(data, "refused", 7))
        __atomic_store_n(&has_refused, 1, __ATOMIC_SEQ_CST);
    if (ours && fails(0))
        return -1;
    done = REAL(ssize_t, write, int, const void *, size_t)(fd, data, len);
    if (done > 0 && ours)
        note('W', path, lseek(fd, 0, SEEK_CUR) - done, data, done);
    return done;
}

#define TRUNCATE(name)                                              \
    int name(int fd, off_t len)                                     \
    {                                                               \
        char path[4096];                                            \
        int ours = path_of(fd, path, sizeof path), failed;          \
        if (ours && fails(0))                                        \
            return -1;                                              \
        failed = REAL(int, name, int, off_t)(fd, len);              \
        if (!failed && ours)                                        \
            note('T', path, len, "", 0);                            \
        return failed;                                              \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name)                                                  \
    int name(int fd)                                                \
    {                                                               \
        char path[4096];                                            \
        int ours = path_of(fd, path, sizeof path), failed;          \
        if (ours)                                                   \
            note('B', path, 0, "", 0);                              \
        if (ours && fails(1)) {                                     \
            note('F', path, 0, "", 0);                              \
            errno = failure;                                        \
            return -1;                                              \
        }                                                           \
        failed = REAL(int, name, int)(fd);                          \
        if (ours && !failed)                                        \
            note('S', path, 0, "", 0);                              \
        return failed;                                              \
    }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path)
{
    int failed = REAL(int, unlink, const char *)(path);
    if (!failed && is_ours(path))
        note('U', path, 0, "", 0);
    return failed;
}
