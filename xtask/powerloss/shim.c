/* A disk that forgets. Preloaded into a process, it keeps a second copy of every file of one
 * directory, and into that copy goes only what was synced. At the chosen operation the power
 * fails: of what was not synced some writes survive, some are torn at sectors, some are gone,
 * and the process ends. What is left is in the second copy.
 *
 *   POWERLOSS_DIR     the directory to watch        POWERLOSS_COPY   where the second copy goes
 *   POWERLOSS_SEED    of the choices                POWERLOSS_AT     the operation at which power fails
 *   POWERLOSS_LIE     syncs do nothing and succeed: "all", "wal" (those of the write-ahead log,
 *                     so that commits are as under synchronous=OFF), "some" (one in eight).
 *                     Must be seen to lose.
 *   POWERLOSS_FAIL    "sync" or "full": from operation POWERLOSS_FAIL_AT on, POWERLOSS_FAIL_FOR
 *                     syncs fail with EIO, or writes with ENOSPC. As in Linux, a sync fails in one
 *                     of two ways: it forgets for good some of what it should have written, and
 *                     then every open file of it is told, once, by its own next sync; or only the
 *                     disk's flush failed, of which nobody else is told, and the next may succeed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct op { struct op *next; off_t at; size_t len; int truncate; char data[]; };
struct file { char name[256]; int copy; unsigned errors; struct op *first, **last; };

#define MAX_FILES 64
#define MAX_FDS 4096
static struct file files[MAX_FILES];
static int file_count;
static struct file *by_fd[MAX_FDS];
/* How many of its file's errors an open file was told of, or came after. */
static unsigned told[MAX_FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char dir[PATH_MAX], copy_dir[PATH_MAX];
static uint64_t state;
static long ops, crash_at, fail_at, fail_for;
static int lie_all, lie_wal, lie_some, fail_sync, fail_full, ready;
/* A rename is on the disk once its directory was synced, and until then by chance. */
static struct { char from[256], to[256]; unsigned flags; } renames[16];
static int rename_count;
static char is_dir[MAX_FDS];

#define REAL(name) ({ static __typeof__(&name) f; if (!f) f = (__typeof__(&name))dlsym(RTLD_NEXT, #name); f; })

static uint64_t next_random(void) {
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return state;
}

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

__attribute__((constructor)) static void start(void) {
    const char *watched = getenv("POWERLOSS_DIR"), *copy = getenv("POWERLOSS_COPY");
    if (!watched || !copy || !realpath(watched, dir) || !realpath(copy, copy_dir)) return;
    state = (uint64_t)number("POWERLOSS_SEED", 1) * 0x9E3779B97F4A7C15u + 1;
    for (int i = 0; i < 8; i++) next_random();
    crash_at = number("POWERLOSS_AT", LONG_MAX);
    const char *lie = getenv("POWERLOSS_LIE");
    lie_all = lie && !strcmp(lie, "all");
    lie_wal = lie && !strcmp(lie, "wal");
    lie_some = lie && !strcmp(lie, "some");
    const char *fail = getenv("POWERLOSS_FAIL");
    fail_sync = fail && !strcmp(fail, "sync");
    fail_full = fail && !strcmp(fail, "full");
    fail_at = number("POWERLOSS_FAIL_AT", LONG_MAX);
    fail_for = number("POWERLOSS_FAIL_FOR", 1);
    ready = 1;
}

/* The watched file's name within the directory, or NULL. */
static const char *watched(const char *path) {
    char whole[PATH_MAX], parent[PATH_MAX];
    if (!ready) return NULL;
    if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
    else return NULL;
    char *slash = strrchr(whole, '/');
    *slash = 0;
    if (!realpath(whole, parent) || strcmp(parent, dir)) return NULL;
    const char *name = strrchr(path, '/') + 1;
    size_t len = strlen(name);
    /* The WAL's index is shared memory, rebuilt after a crash; the lock has no content. */
    if ((len > 4 && !strcmp(name + len - 4, "-shm")) || (len > 5 && !strcmp(name + len - 5, ".lock")))
        return NULL;
    return len && len < 200 ? name : NULL;
}

static struct file *find(const char *name) {
    for (int i = 0; i < file_count; i++)
        if (!strcmp(files[i].name, name)) return &files[i];
    return NULL;
}

static void copy_path(char *out, const char *name) {
    if (snprintf(out, PATH_MAX, "%.3000s/%.200s", copy_dir, name) >= PATH_MAX) abort();
}

/* Renames that are not yet on the disk get there: the first `count`. */
static void move(int count) {
    for (int i = 0; i < count; i++) {
        char from[PATH_MAX], to[PATH_MAX];
        copy_path(from, renames[i].from);
        copy_path(to, renames[i].to);
        if (REAL(renameat2)(AT_FDCWD, from, AT_FDCWD, to, renames[i].flags) && errno != ENOENT) abort();
    }
    rename_count -= count;
    memmove(renames, renames + count, (size_t)rename_count * sizeof *renames);
}

/* Before a name is used again, what it was renamed from or to is settled. */
static void settle(const char *name) {
    for (int i = rename_count - 1; i >= 0; i--)
        if (!strcmp(renames[i].from, name) || !strcmp(renames[i].to, name)) {
            move(i + 1);
            return;
        }
}

static void opened(int fd, const char *path, int truncated) {
    if (fd < 0 || fd >= MAX_FDS) return;
    char whole[PATH_MAX];
    is_dir[fd] = ready && realpath(path, whole) && !strcmp(whole, dir);
    const char *name = watched(path);
    if (!name) return;
    pthread_mutex_lock(&lock);
    settle(name);
    struct file *file = find(name);
    if (!file && file_count < MAX_FILES) {
        file = &files[file_count++];
        snprintf(file->name, sizeof file->name, "%s", name);
        file->last = &file->first;
        file->copy = -1;
    }
    if (file && file->copy < 0) {
        char at[PATH_MAX];
        copy_path(at, name);
        file->copy = REAL(open64)(at, O_RDWR | O_CREAT, 0600);
    }
    if (file && truncated && REAL(ftruncate64)(file->copy, 0)) abort();
    by_fd[fd] = file;
    told[fd] = file ? file->errors : 0;
    pthread_mutex_unlock(&lock);
}

static void apply(struct file *file, struct op *op, uint64_t sectors) {
    if (op->truncate) {
        if (REAL(ftruncate64)(file->copy, op->at)) abort();
        return;
    }
    for (size_t from = 0, n = 0; from < op->len; n++) {
        size_t len = 512 - (size_t)((op->at + (off_t)from) % 512);
        if (len > op->len - from) len = op->len - from;
        if (sectors >> (n % 64) & 1)
            if (REAL(pwrite64)(file->copy, op->data + from, len, op->at + (off_t)from) < 0) abort();
        from += len;
    }
}

/* Everything pending reaches the disk; `whole` says with certainty, otherwise by chance. */
static void drain(struct file *file, int whole) {
    while (file->first) {
        struct op *op = file->first;
        uint64_t chance = next_random() % 4;
        if (whole || chance < 2) apply(file, op, UINT64_MAX);
        else if (chance == 2 && !op->truncate) apply(file, op, next_random());
        file->first = op->next;
        free(op);
    }
    file->last = &file->first;
}

/* Counts an operation; the power may fail at it. Called with the lock held. */
static void power(void) {
    if (++ops < crash_at) return;
    for (int i = 0; i < file_count; i++) drain(&files[i], 0);
    move((int)(next_random() % (uint64_t)(rename_count + 1)));
    _exit(137);
}

static int failing(int is_sync) {
    power();
    if (ops < fail_at || fail_for <= 0) return 0;
    if (!(is_sync ? fail_sync : fail_full)) return 0;
    fail_for--;
    return 1;
}

static int pend(struct file *file, const void *data, size_t len, off_t at, int truncate) {
    if (!truncate && failing(0)) { errno = ENOSPC; return -1; }
    if (truncate) power();
    struct op *op = malloc(sizeof *op + (truncate ? 0 : len));
    op->next = NULL; op->at = at; op->len = len; op->truncate = truncate;
    if (!truncate) memcpy(op->data, data, len);
    *file->last = op;
    file->last = &op->next;
    return 0;
}

static struct file *of(int fd) { return ready && fd >= 0 && fd < MAX_FDS ? by_fd[fd] : NULL; }

static int synced(int fd) {
    struct file *file = of(fd);
    int of_dir = ready && fd >= 0 && fd < MAX_FDS && is_dir[fd];
    if (!file && !of_dir) return 0;
    pthread_mutex_lock(&lock);
    int failed = failing(1);
    size_t len = file ? strlen(file->name) : 0;
    int lies = lie_all || (lie_wal && len > 4 && !strcmp(file->name + len - 4, "-wal")) ||
               (lie_some && next_random() % 8 == 0);
    if (file && failed && next_random() % 2) drain(file, 0), told[fd] = ++file->errors;
    else if (file && !failed && !lies) drain(file, 1);
    else if (of_dir && !failed && !lies) move(rename_count);
    if (file && told[fd] != file->errors) failed = 1, told[fd] = file->errors;
    pthread_mutex_unlock(&lock);
    if (failed) errno = EIO;
    return failed ? -1 : 0;
}

#define MODE(flags) mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, flags); mode = va_arg(a, mode_t); va_end(a); }
int open(const char *path, int flags, ...) { MODE(flags) int fd = REAL(open)(path, flags, mode); opened(fd, path, flags & O_TRUNC); return fd; }
int open64(const char *path, int flags, ...) { MODE(flags) int fd = REAL(open64)(path, flags, mode); opened(fd, path, flags & O_TRUNC); return fd; }
int close(int fd) { if (fd >= 0 && fd < MAX_FDS) by_fd[fd] = NULL, is_dir[fd] = 0; return REAL(close)(fd); }

ssize_t write(int fd, const void *data, size_t len) {
    struct file *file = of(fd);
    if (!file) return REAL(write)(fd, data, len);
    off_t at = lseek(fd, 0, SEEK_CUR);
    pthread_mutex_lock(&lock);
    int failed = pend(file, data, len, at, 0);
    pthread_mutex_unlock(&lock);
    return failed ? -1 : REAL(write)(fd, data, len);
}
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
    struct file *file = of(fd);
    if (file) {
        pthread_mutex_lock(&lock);
        int failed = pend(file, data, len, at, 0);
        pthread_mutex_unlock(&lock);
        if (failed) return -1;
    }
    return REAL(pwrite64)(fd, data, len, at);
}
ssize_t pwrite(int fd, const void *data, size_t len, off_t at) { return pwrite64(fd, data, len, at); }
int ftruncate64(int fd, off64_t len) {
    struct file *file = of(fd);
    if (file) { pthread_mutex_lock(&lock); pend(file, NULL, 0, len, 1); pthread_mutex_unlock(&lock); }
    return REAL(ftruncate64)(fd, len);
}
int ftruncate(int fd, off_t len) { return ftruncate64(fd, len); }
int fsync(int fd) { if (synced(fd)) return -1; return of(fd) ? 0 : REAL(fsync)(fd); }
int fdatasync(int fd) { if (synced(fd)) return -1; return of(fd) ? 0 : REAL(fdatasync)(fd); }

static void forget(struct file *file) {
    while (file->first) { struct op *op = file->first; file->first = op->next; free(op); }
    file->last = &file->first;
    if (file->copy >= 0) REAL(close)(file->copy);
    file->copy = -1;
}
int unlink(const char *path) {
    const char *name = watched(path);
    if (name) {
        char at[PATH_MAX];
        copy_path(at, name);
        pthread_mutex_lock(&lock);
        power();
        settle(name);
        struct file *file = find(name);
        if (file) forget(file);
        REAL(unlink)(at);
        pthread_mutex_unlock(&lock);
    }
    return REAL(unlink)(path);
}
/* Changes names, or with RENAME_EXCHANGE has two files change places. */
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    const char *a = watched(from), *b = watched(to);
    if (flags & RENAME_EXCHANGE && (access(from, F_OK) || access(to, F_OK))) { errno = ENOENT; return -1; }
    if (a && b) {
        pthread_mutex_lock(&lock);
        power();
        settle(a);
        if (rename_count == 16) move(1);
        struct file *old = find(a), *new = find(b);
        if (old) drain(old, 0), forget(old);
        if (new && flags & RENAME_EXCHANGE) drain(new, 0);
        if (new) forget(new);
        snprintf(renames[rename_count].from, 256, "%s", a);
        snprintf(renames[rename_count].to, 256, "%s", b);
        renames[rename_count++].flags = flags;
        pthread_mutex_unlock(&lock);
    }
    return REAL(renameat2)(from_dir, from, to_dir, to, flags);
}
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }
