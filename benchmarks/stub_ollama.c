/* A stand-in for Ollama that costs next to nothing: one thread, epoll, the answers of the real one's API.
 *
 *   stub_ollama PORT
 *
 * POST /api/chat streams chunked NDJSON. "bench:TOKENS:RATE" in the last question says how much and how fast; RATE 0 is as fast as
 * the reader takes it, and without those words it is 1,000,000 tokens at 20 a second. Each token's text is "@" and thirteen digits:
 * the microseconds of CLOCK_MONOTONIC when it was sent. SIGUSR1 ends all running answers as if they were complete. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 65536, SLOTS = 2048, BATCH = 512 };

typedef struct Conn {
    int fd, streaming, interval;
    long left, sent;
    char *in, *out;
    size_t in_len, in_cap, out_len, out_cap;
    struct Conn *next, **link; /* the other streams that speak in the same millisecond */
} Conn;

static Conn *conns[MAX_FD], *wheel[SLOTS];
static int poller, streams;
static volatile sig_atomic_t finish_all;

static long long micros(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static long millis(void) { return micros() / 1000; }

static void unschedule(Conn *c) {
    if (!c->link) return;
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
    c->link = NULL;
}

static void schedule(Conn *c, long at) {
    Conn **slot = &wheel[at % SLOTS];
    c->next = *slot;
    c->link = slot;
    if (c->next) c->next->link = &c->next;
    *slot = c;
}

static void drop(Conn *c) {
    unschedule(c);
    streams -= c->streaming;
    conns[c->fd] = NULL;
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

static void put(Conn *c, const char *data, size_t len) {
    if (c->out_len + len > c->out_cap) c->out = realloc(c->out, c->out_cap = 2 * (c->out_len + len));
    memcpy(c->out + c->out_len, data, len);
    c->out_len += len;
}

/* Gives 0 when the connection is gone. */
static int flush(Conn *c) {
    ssize_t n = c->out_len ? send(c->fd, c->out, c->out_len, MSG_NOSIGNAL) : 0;
    if (n < 0 && errno != EAGAIN) return drop(c), 0;
    if (n > 0) memmove(c->out, c->out + n, c->out_len -= n);
    struct epoll_event e = {EPOLLIN | (c->out_len || (c->streaming && !c->interval) ? EPOLLOUT : 0), {.fd = c->fd}};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
    return 1;
}

#define HEAD "{\"model\":\"llama3\",\"created_at\":\"2026-01-01T00:00:00.000000000Z\",\"message\":{\"role\":\"assistant\",\"content\":\""
#define TOKEN HEAD "@0000000000000 \"},\"done\":false}\n"

static void put_token(Conn *c, long long now) {
    static char line[] = "XX\r\n" TOKEN "\r\n";
    static const int at = sizeof "XX\r\n" HEAD; /* after the "@" */
    static const char hex[] = "0123456789abcdef";
    line[0] = hex[(sizeof TOKEN - 1) / 16], line[1] = hex[(sizeof TOKEN - 1) % 16];
    for (int i = 12; i >= 0; i--, now /= 10) line[at + i] = '0' + now % 10;
    put(c, line, sizeof line - 1);
    c->sent++;
    c->left--;
}

static void put_end(Conn *c) {
    char line[400], chunk[450];
    int n = sprintf(line, HEAD "\"},\"done_reason\":\"stop\",\"done\":true,\"total_duration\":1,\"load_duration\":1,"
                               "\"prompt_eval_count\":26,\"prompt_eval_duration\":1,\"eval_count\":%ld,\"eval_duration\":1}\n", c->sent);
    put(c, chunk, sprintf(chunk, "%x\r\n%s\r\n0\r\n\r\n", n, line));
    unschedule(c);
    c->streaming = 0;
    streams--;
}

static void say_more(Conn *c) {
    long long now = micros();
    for (int i = 0; c->left > 0 && i < (c->interval ? 1 : BATCH); i++) put_token(c, now);
    if (c->left <= 0) put_end(c);
}

static void begin_answer(Conn *c, char *body) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
    char *wish = NULL;
    for (char *found = body; (found = strstr(found, "bench:")); found++) wish = found;
    long tokens = 1000000, rate = 20;
    if (wish) sscanf(wish, "bench:%ld:%ld", &tokens, &rate);
    put(c, head, sizeof head - 1);
    c->left = tokens, c->sent = 0, c->interval = rate ? 1000 / rate : 0;
    c->streaming = 1;
    streams++;
    say_more(c);
    /* The second token at any moment of the first interval: streams that begin together do not speak together. */
    if (c->streaming && c->interval) schedule(c, millis() + 1 + rand() % c->interval);
}

static void answer(Conn *c, const char *json) {
    char text[600];
    put(c, text, sprintf(text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(json), json));
}

static void handle(Conn *c, char *body) {
    if (!strncmp(c->in, "POST /api/chat", 14)) begin_answer(c, body);
    else if (!strncmp(c->in, "GET /api/tags", 13))
        answer(c, "{\"models\":[{\"name\":\"llama3\",\"size\":4661224676,\"details\":{\"parameter_size\":\"8.0B\"}}]}");
    else if (!strncmp(c->in, "GET /api/ps", 11)) answer(c, "{\"models\":[]}");
    else if (!strncmp(c->in, "POST /api/show", 14))
        answer(c, "{\"details\":{\"parameter_size\":\"8.0B\"},\"model_info\":{\"general.architecture\":\"llama\","
                  "\"llama.context_length\":8192},\"capabilities\":[\"completion\"]}");
    else answer(c, "{\"version\":\"0.6.3\"}");
}

static void take_requests(Conn *c) {
    char *end, *length;
    while (c->in_len && (end = strstr(c->in, "\r\n\r\n"))) {
        length = strcasestr(c->in, "\ncontent-length:");
        size_t size = end + 4 - c->in + (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
        if (c->in_len < size) return;
        char after = c->in[size];
        c->in[size] = 0;
        handle(c, end + 4);
        c->in[size] = after;
        memmove(c->in, c->in + size, c->in_len -= size);
        c->in[c->in_len] = 0;
    }
}

static void receive(Conn *c) {
    if (c->in_cap < c->in_len + 65536) c->in = realloc(c->in, c->in_cap = c->in_len + 131072);
    ssize_t n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len - 1, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return drop(c);
    if (n < 0) return;
    c->in[c->in_len += n] = 0;
    take_requests(c);
    flush(c);
}

static void accept_all(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        Conn *c = conns[fd] = calloc(1, sizeof *c);
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event e = {EPOLLIN, {.fd = fd}};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    }
}

static void tick(long now) {
    Conn *next, *due = wheel[now % SLOTS];
    wheel[now % SLOTS] = NULL;
    if (due) due->link = &due;
    for (Conn *c = due; c; c = next) {
        next = c->next;
        unschedule(c);
        if (!c->out_len) say_more(c); /* else the reader is behind, and the model waits for it */
        if (c->streaming) schedule(c, now + c->interval);
        flush(c);
    }
}

static void finish_running(void) {
    finish_all = 0;
    for (int fd = 0; fd < MAX_FD; fd++)
        if (conns[fd] && conns[fd]->streaming) put_end(conns[fd]), flush(conns[fd]);
}

static void on_signal(int number) { (void)number, finish_all = 1; }

static int listen_on(int port) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (void *)&address, sizeof address) || listen(fd, 4096)) perror("stub_ollama"), exit(1);
    return fd;
}

int main(int argc, char **argv) {
    struct epoll_event events[512], e = {EPOLLIN, {.fd = 0}};
    int listener = e.data.fd = listen_on(argc > 1 ? atoi(argv[1]) : 11434);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
    signal(SIGUSR1, on_signal);
    for (long clock = millis();;) {
        int n = epoll_wait(poller, events, 512, streams ? 1 : 1000);
        if (finish_all) finish_running();
        for (int i = 0; i < n; i++) {
            Conn *c = conns[events[i].data.fd];
            if (events[i].data.fd == listener) { accept_all(listener); continue; }
            if (c && events[i].events & ~EPOLLOUT) receive(c);
            c = conns[events[i].data.fd];
            if (!c || !(events[i].events & EPOLLOUT)) continue;
            if (c->streaming && !c->interval && c->out_len < 65536) say_more(c);
            flush(c);
        }
        for (long now = millis(); clock < now;) tick(++clock);
    }
}
