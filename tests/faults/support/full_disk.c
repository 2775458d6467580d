/* A disk that is full, or whose fsync fails, for one program: loaded into it by LD_PRELOAD.
 *
 * FAULTY_DISK names a folder. While a file of that name is in it:
 *   full-tables  files below .../base/ can't grow (ENOSPC); what is there can be written again;
 *   full-wal     nothing can be written below .../pg_wal/ (ENOSPC);
 *   no-sync      fsync and fdatasync of files fail (EIO).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int fails(const char *fault)
{
    char path[4096];
    const char *folder = getenv("FAULTY_DISK");
    int before = errno, found;

    if (folder == NULL)
        return 0;
    snprintf(path, sizeof path, "%s/%s", folder, fault);
    found = access(path, F_OK) == 0;
    errno = before;
    return found;
}

static int lies_below(int fd, const char *part)
{
    char link[64], path[4096];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = '\0';
    return strstr(path, part) != NULL;
}

/* Whether bytes up to `end` find no room. */
static int is_full(int fd, off_t end)
{
    struct stat found;

    if (fails("full-wal") && lies_below(fd, "/pg_wal/"))
        return 1;
    return fails("full-tables") && lies_below(fd, "/base/") && fstat(fd, &found) == 0
        && end > found.st_size;
}

static off_t total(const struct iovec *parts, int count)
{
    off_t size = 0;

    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    return size;
}

/* `stock` is the C library's function of that name. */
#define STOCK(name) \
    static __typeof__(name) *stock; \
    if (stock == NULL) \
        stock = (__typeof__(name) *) dlsym(RTLD_NEXT, #name)

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    STOCK(pwrite);
    if (is_full(fd, offset + (off_t) size)) {
        errno = ENOSPC;
        return -1;
    }
    return stock(fd, data, size, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    STOCK(pwritev);
    if (is_full(fd, offset + total(parts, count))) {
        errno = ENOSPC;
        return -1;
    }
    return stock(fd, parts, count, offset);
}

ssize_t write(int fd, const void *data, size_t size)
{
    STOCK(write);
    off_t at = fails("full-tables") ? lseek(fd, 0, SEEK_CUR) : 0;

    if (is_full(fd, at < 0 ? 0 : at + (off_t) size)) {
        errno = ENOSPC;
        return -1;
    }
    return stock(fd, data, size);
}

int posix_fallocate(int fd, off_t offset, off_t size)
{
    STOCK(posix_fallocate);
    return is_full(fd, offset + size) ? ENOSPC : stock(fd, offset, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size)
{
    STOCK(fallocate);
    if (is_full(fd, offset + size)) {
        errno = ENOSPC;
        return -1;
    }
    return stock(fd, mode, offset, size);
}

int fsync(int fd)
{
    STOCK(fsync);
    if (fails("no-sync")) {
        errno = EIO;
        return -1;
    }
    return stock(fd);
}

int fdatasync(int fd)
{
    STOCK(fdatasync);
    if (fails("no-sync")) {
        errno = EIO;
        return -1;
    }
    return stock(fd);
}

/* Other builds ask for these by their names for large files; on 64 bits they are the same. */
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));
int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));
