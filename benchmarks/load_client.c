/* Opens streams and measures them: one thread, epoll.
 *
 *   load_client PORT STREAMS PER_SECOND REQUESTS SETTLE WINDOW
 *
 * REQUESTS is a file of whole HTTP requests, each after a line with its length; the streams take them in turn. Tokens are found by
 * their text, "@" and the thirteen digits of the moment at which they were sent (see stub_ollama.c). With WINDOW seconds > 0 it waits
 * until every stream has spoken and SETTLE seconds more, prints "begin", measures, prints "end" and the figures, and keeps the streams
 * open until its input ends. With WINDOW 0 it runs until every stream has ended, or for SETTLE seconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_STREAMS = 8192, MAX_SAMPLES = 16 << 20, MARK = 14, PATIENCE = 20 };

typedef struct {
    int fd, heard, over;
    long long asked;
    size_t request, kept;
    char tail[16]; /* the last bytes of the read before: a mark may be cut in two */
} Stream;

typedef struct { char *text; size_t length; } Request;

static Stream streams[MAX_STREAMS];
static Request requests[MAX_STREAMS];
static unsigned *latency, *first;
static long samples, spoken, started, ended, failed, reads, bytes;
static long long first_token, last_token;
static int poller, measuring, request_count;

static long long micros(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void close_stream(Stream *s, int well) {
    if (s->over) return;
    s->over = 1;
    close(s->fd);
    if (well) ended++;
    else failed++;
}

static void token(Stream *s, const char *digits, long long now) {
    long long sent = 0;
    for (int i = 0; i < MARK - 1; i++) sent = sent * 10 + digits[i] - '0';
    if (!s->heard++) first[spoken++] = now - s->asked;
    if (!first_token) first_token = now;
    last_token = now;
    if (measuring && samples < MAX_SAMPLES) latency[samples++] = now > sent ? now - sent : 0;
}

static void scan(Stream *s, const char *data, size_t length, long long now) {
    const char *end = data + length, *at = data;
    while ((at = memchr(at, '@', end - at)) && end - at > MARK) token(s, at + 1, now), at += MARK;
    s->kept = at ? end - at : 0; /* never more than a mark */
    memcpy(s->tail, at ? at : data, s->kept);
}

static void receive(Stream *s) {
    static char buffer[1 << 18];
    memcpy(buffer, s->tail, s->kept);
    char *fresh = buffer + s->kept;
    ssize_t n = recv(s->fd, fresh, sizeof buffer - 64, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close_stream(s, 0);
    reads += measuring, bytes += measuring ? n : 0;
    if (!s->heard && n > 12 && !memcmp(fresh, "HTTP/1.1 ", 9) && memcmp(fresh + 9, "200", 3)) {
        if (!failed) fprintf(stderr, "refused: %.*s\n", (int)(n < 100 ? n : 100), fresh);
        return close_stream(s, 0);
    }
    scan(s, buffer, s->kept + n, micros());
    if (memmem(fresh, n, "event: error", 12)) return close_stream(s, 0);
    if (n >= 5 && !memcmp(fresh + n - 5, "0\r\n\r\n", 5)) close_stream(s, s->heard);
}

static void start(int index, int port) {
    Stream *s = &streams[index];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    Request *r = &requests[index % request_count];
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    s->asked = micros();
    started++;
    if (connect(s->fd, (void *)&address, sizeof address) || send(s->fd, r->text, r->length, MSG_NOSIGNAL) != (ssize_t)r->length)
        return close_stream(s, 0);
    struct epoll_event e = {EPOLLIN, {.u32 = index}};
    epoll_ctl(poller, EPOLL_CTL_ADD, s->fd, &e);
}

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t length;
    while (file && request_count < MAX_STREAMS && fscanf(file, "%zu", &length) == 1) {
        fgetc(file);
        requests[request_count] = (Request){malloc(length), length};
        if (fread(requests[request_count++].text, 1, length, file) != length) exit(1);
    }
    if (!request_count) perror(path), exit(1);
}

static int ascending(const void *a, const void *b) {
    unsigned x = *(unsigned *)a, y = *(unsigned *)b;
    return (x > y) - (x < y);
}

static unsigned percentile(unsigned *values, long count, double part) { return count ? values[(long)(part * (count - 1))] : 0; }

static void report(double seconds) {
    qsort(latency, samples, sizeof *latency, ascending);
    qsort(first, spoken, sizeof *first, ascending);
    printf("{\"started\": %ld, \"spoken\": %ld, \"ended\": %ld, \"failed\": %ld, \"seconds\": %.3f, \"tokens\": %ld, \"reads\": %ld, "
           "\"bytes\": %ld, \"speaking_seconds\": %.6f, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u, \"first_p50_us\": %u, "
           "\"first_p99_us\": %u}\n", started, spoken, ended, failed, seconds, samples, reads, bytes,
           (last_token - first_token) / 1e6, percentile(latency, samples, .5), percentile(latency, samples, .99),
           percentile(latency, samples, 1), percentile(first, spoken, .5), percentile(first, spoken, .99));
    fflush(stdout);
}

static void say(const char *word) {
    puts(word);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 7) return fprintf(stderr, "usage: load_client PORT STREAMS PER_SECOND REQUESTS SETTLE WINDOW\n"), 2;
    int port = atoi(argv[1]), count = atoi(argv[2]);
    double rate = atof(argv[3]), settle = atof(argv[5]), window = atof(argv[6]);
    struct epoll_event events[1024];
    latency = malloc(MAX_SAMPLES * sizeof *latency);
    first = malloc(MAX_STREAMS * sizeof *first);
    poller = epoll_create1(0);
    load(argv[4]);
    long long origin = micros(), ready = 0, begun = 0;
    if (window == 0) measuring = 1, begun = origin;
    for (;;) {
        long long now = micros();
        while (started < count && now - origin >= started / rate * 1e6) start(started, port);
        if (started == count && !ready && (spoken + failed == count || now - origin > (count / rate + PATIENCE) * 1e6)) ready = now;
        if (window > 0 && ready && !measuring && now - ready >= settle * 1e6) measuring = 1, begun = now, say("begin");
        if (window > 0 && measuring && now - begun >= window * 1e6) break;
        if (window == 0 && (ended + failed == count || now - origin > settle * 1e6)) break;
        int n = epoll_wait(poller, events, 1024, 1);
        for (int i = 0; i < n; i++) receive(&streams[events[i].data.u32]);
    }
    double seconds = (micros() - begun) / 1e6;
    say("end");
    report(seconds);
    if (window > 0) getchar();
}
