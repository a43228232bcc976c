/* The native protocol for the neutral load generator: written from docs/protocol.md alone.
 *
 * With CF_ACK=1 in the environment every message asks for an acknowledgement (perf.md: "default").
 * A sender must be a member of the room it speaks in, so it is sent what the room says as well;
 * that is read here and not counted as a delivery.
 *
 * At its end everybody says bye and reads until the server has closed, as a client does: sessions
 * that are lost stay in their rooms for three minutes, and the next run would pay for them.
 */
#define _GNU_SOURCE /* memmem */
#include "lg.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  HELLO = 0x01, ERROR = 0x03, PING = 0x04, PONG = 0x05, BYE = 0x06, LOGIN = 0x07, WELCOME = 0x08, ACK = 0x09,
  SAY = 0x20, TELL = 0x21, JOIN = 0x22, MESSAGE = 0x40, PRIVATE = 0x48
};
enum { AWAITS_HELLO, AWAITS_WELCOME, AWAITS_JOIN, READY };

static int acks = -1;
static uint32_t next_ref = 1;

static size_t frame(char *out, int type, size_t payload) {
  uint32_t length = htonl((uint32_t)payload + 1);
  memcpy(out, &length, 4);
  out[4] = (char)type;
  return 5 + payload;
}

static size_t ref(char *out) {
  if (acks < 0) acks = getenv("CF_ACK") != NULL;
  return acks ? (size_t)sprintf(out, ",\"ref\":%u", next_ref++ & 0x7fffffff) : 0;
}

/* The generator's bodies are letters and digits: nothing to escape. */
static size_t request(char *out, int type, const char *field, const char *value, const char *server,
                      const char *body, size_t n) {
  size_t k = (size_t)sprintf(out + 5, "{\"%s\":\"%s%s%s\",\"text\":\"", field, value,
                             server ? "@" : "", server ? server : "");
  memcpy(out + 5 + k, body, n);
  k += n;
  out[5 + k++] = '"';
  k += ref(out + 5 + k);
  out[5 + k++] = '}';
  return frame(out, type, k);
}

enum { CLIENTS_MAX = 32768, END_MS_MAX = 2000 };
static int fds[CLIENTS_MAX];
static size_t clients = 0;

__attribute__((destructor)) static void end(void) {
  static char rest[1 << 18];
  char bye[16];
  size_t n = frame(bye, BYE, (size_t)sprintf(bye + 5, "{}"));
  for (size_t i = 0; i < clients; i++)
    if (write(fds[i], bye, n) != (ssize_t)n) fds[i] = -1;
  for (size_t i = 0; i < clients; i++) {
    struct pollfd one = {fds[i], POLLIN, 0};
    while (fds[i] >= 0 && poll(&one, 1, END_MS_MAX) > 0 && read(fds[i], rest, sizeof rest) > 0) {}
  }
}

static size_t hello(conn *c, char *out) {
  if (clients < CLIENTS_MAX) fds[clients++] = c->fd;
  c->st = AWAITS_HELLO;
  size_t k = (size_t)sprintf(out + 5, "{\"version\":{\"major\":1,\"minor\":0},\"agent\":\"loadgen\"}");
  return frame(out, HELLO, k);
}

static size_t room(conn *c, char *out, const char *body, size_t n) {
  return request(out, SAY, "room", c->target, NULL, body, n);
}

static size_t priv(conn *c, char *out, const conn *to, const char *body, size_t n) {
  (void)c;
  const char *server = lg_server_name[to->srv];
  return request(out, TELL, "to", to->nick, server ? server : "bench", body, n);
}

static void login(conn *c) {
  char out[128];
  lg_send(c, out, frame(out, LOGIN, (size_t)sprintf(out + 5, "{\"nick\":\"%s\"}", c->nick)));
  c->st = AWAITS_WELCOME;
}

static void join(conn *c, const char *name) {
  char out[128];
  lg_send(c, out, frame(out, JOIN, (size_t)sprintf(out + 5, "{\"ref\":1,\"room\":\"%s\"}", name)));
  c->st = AWAITS_JOIN;
}

static void deliver(conn *c, const char *p, const char *end) {
  if (c->target) return; /* a sender's own copy of the room */
  static const char key[] = "\"text\":\"";
  const char *text = memmem(p, (size_t)(end - p), key, sizeof key - 1);
  if (!text) return;
  text += sizeof key - 1;
  const char *quote = memchr(text, '"', (size_t)(end - text));
  if (quote) lg_deliver(c, text, (size_t)(quote - text));
}

static size_t parse(conn *c, char *p, size_t n) {
  char *start = p, *end = p + n;
  while (end - p >= 5) {
    uint32_t length;
    memcpy(&length, p, 4);
    length = ntohl(length);
    if ((size_t)(end - p) < 4 + (size_t)length) break;
    char *body = p + 5, *next = p + 4 + length;
    switch (p[4]) {
      case MESSAGE:
      case PRIVATE: deliver(c, body, next); break;
      case HELLO: login(c); break;
      case WELCOME: {
        const char *name = c->room ? c->room : c->target;
        if (name) join(c, name);
        else { c->st = READY; lg_ready(c); }
        break;
      }
      case ACK:
        if (c->st == AWAITS_JOIN) { c->st = READY; lg_ready(c); }
        break;
      case PING: {
        char pong[64];
        size_t k = (size_t)(next - body);
        if (k > sizeof pong - 5) { lg_die(c, "a ping is longer than expected"); break; }
        memcpy(pong + 5, body, k);
        lg_send(c, pong, frame(pong, PONG, k));
        break;
      }
      case ERROR: {
        char why[160];
        snprintf(why, sizeof why, "%.*s", (int)(next - body), body);
        lg_die(c, why);
        break;
      }
    }
    p = next;
  }
  return (size_t)(p - start);
}

const adapter ad_extra = {"chatfusion", hello, room, priv, parse, NULL};
