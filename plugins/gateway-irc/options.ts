// The options of the gateway, as a schema: what a config may say, and what is meant where it says
// nothing.

import { LIMITS } from "chatfusion";
import * as v from "valibot";

const Port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
/** One line that fits a reply. */
const Text = v.pipe(v.string(), v.maxBytes(300), v.regex(/^[^\r\n\0]*$/, "expected one line"));

const Door = v.strictObject({
  /** 6667 is IRC's port for plain connections, 6697 for TLS. 0: any free port. */
  port: Port,
  /** Default: the server's own `listen.host`. */
  host: v.optional(v.string()),
  /** False: no TLS, also where the server has it. Passwords are taken over TLS or loopback only. */
  tls: v.optional(v.boolean(), true),
});

export const Options = v.strictObject({
  ...Door.entries,
  /** Further ports, such as one for plain connections beside one with TLS. */
  more: v.optional(v.array(Door), []),
  /**
   * A door for IRC clients in browsers (IRCv3 websocket: text.ircv3.net, binary.ircv3.net). They
   * want a certificate that they know: `tls: false` is for a proxy on this machine that has one.
   */
  webSocket: v.optional(
    v.strictObject({
      ...Door.entries,
      /** The origins whose pages may connect, "https://chat.example"; "*": all. Default: none. */
      origins: v.optional(v.array(v.string()), []),
    }),
  ),
  /**
   * Files by DCC: the gateway fetches those that clients send, and listens at these ports for those
   * that they are sent. False: they are told of files, and cannot take any.
   */
  dcc: v.optional(
    v.union([
      v.literal(false),
      v.strictObject({
        /** Where it listens. */
        host: v.string(),
        /** What clients are told, where that is another address, as behind a router. */
        address: v.optional(v.string()),
        /** The first and the last one: each file that waits for a client takes one. */
        ports: v.pipe(
          v.tuple([Port, Port]),
          v.check(([from, to]) => from <= to, "expected the first port before the last"),
        ),
        /** Clients on this machine may send files, too: not where a proxy here brings others. */
        loopback: v.optional(v.boolean(), false),
      }),
    ]),
    false,
  ),
  /** The lobby is a channel, in which everybody is from the beginning. */
  lobby: v.optional(v.boolean(), true),
  /** Messages of a room that clients are shown who enter it, and cannot ask for what was said. */
  backlog: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.ircHistoryMax)),
    20,
  ),
  /** What clients call the fusion, in their list of networks: no blanks. */
  network: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]{1,32}$/)), "ChatFusion"),
  /** About this server, for LINKS and WHOIS. */
  description: v.optional(Text, "a ChatFusion server"),
  /** The text of the day, line by line. */
  motd: v.optional(v.pipe(v.array(Text), v.maxLength(LIMITS.motdLinesMax)), []),
  /** Who runs it, for ADMIN. */
  admin: v.optional(v.pipe(v.array(Text), v.maxLength(3)), []),
  /** The role that makes an account an operator (OPER), as accounts have roles. */
  operatorRole: v.optional(v.pipe(v.string(), v.minLength(1)), "operator"),
  /**
   * Tells clients that come plainly to come by TLS, and to stay with it for so long (IRCv3 sts).
   * For certificates that clients accept only: who has heard of it takes no other way any more.
   */
  sts: v.optional(
    v.union([
      v.literal(false),
      v.strictObject({
        /** The port for TLS, as clients reach it. Default: that of the first door with `tls`. */
        port: v.optional(v.pipe(Port, v.minValue(1))),
        /** Seconds; 0: no longer. */
        duration: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 30 * 86_400),
      }),
    ]),
    false,
  ),
  /**
   * Where an auth plugin lets people register their nick (REGISTER): also before they have come in.
   */
  registerEarly: v.optional(v.boolean(), true),
  /** A password that every connection must give (PASS), before anything else is looked at. */
  password: v.optional(v.pipe(v.string(), v.minLength(1))),
  /**
   * IRC's protection from floods: a client may send so many lines at once, and then one more after
   * each so many milliseconds; what comes sooner waits. False: none.
   */
  flood: v.optional(
    v.union([
      v.literal(false),
      v.strictObject({
        burst: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), LIMITS.ircFloodBurst),
        lineMs: v.optional(v.pipe(v.number(), v.minValue(1)), LIMITS.ircFloodLineMs),
      }),
    ]),
    {},
  ),
});

export type Options = v.InferOutput<typeof Options>;
