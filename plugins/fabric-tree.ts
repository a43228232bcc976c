// The fabric "tree/1": servers announce their links, signed; of all announcements one pure function
// makes a tree without loops and without namesakes; the source of a frame writes its whole way into
// the header. No leader, no lock: merges come out as if they had been made one after another.
//
//   plugins: [fabricTree()]
//   plugins: [fabricTree({ secret: process.env.FUSION_SECRET, allow: ["lyon", "<key or sid>"] })]
//
// Read view.ts first (what follows from the announcements), then session.ts (how a link comes up),
// tree.ts (who owns what), route.ts and traffic.ts (how bytes travel).

import {
  assert,
  command,
  definePlugin,
  failure,
  failureOf,
  isFailure,
  isSid,
  parseServerName,
  sameName,
  visible,
} from "chatfusion";
import type { Bytes, Failure, ServerName, Sid } from "chatfusion";
import * as v from "valibot";
import { Tracer } from "./fabric-tree/trace.ts";
import { TrafficOf } from "./fabric-tree/traffic.ts";
import { Tree } from "./fabric-tree/tree.ts";

const Options = v.optional(
  v.strictObject({
    /** Both servers of a link must know it; it is proved, never sent. Long and random. */
    secret: v.optional(v.pipe(v.string(), v.minLength(16), v.maxLength(1024))),
    /** Keys (64 hex digits), sids (32) or names of the servers that may link; without it, all. */
    allow: v.optional(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(128)))),
  }),
  {},
);

const encoder = new TextEncoder();

export default definePlugin({
  name: "fabric-tree",
  options: Options,
  provides: ["fabric"],
  setup({ options, host, clock, random, store, log, metrics }) {
    const skipped = metrics.counter("skipped", "entries of routes whose link is gone");
    const congested = metrics.counter("congested", "frames for which a link had no room");
    const forged = metrics.counter("forged", "frames that claim to be of this server");
    const refused = metrics.counter("refused", "news that would have pushed others out");
    let made:
      { readonly tree: Tree; readonly traffic: TrafficOf; readonly tracer: Tracer } | undefined;
    // The identity can be read from the start on, and not in setup.
    const make = () => {
      const tree = new Tree({
        host,
        clock,
        random,
        store,
        log,
        allow: options.allow,
        secret: host.identity.sha256(encoder.encode(options.secret ?? "")),
        refused,
        routed: (session, type, payload) => tracer.arrived(session, type, payload),
      });
      const traffic = new TrafficOf(host, tree, { skipped, congested, forged }, log);
      const tracer = new Tracer(tree, traffic, clock, random);
      return { tree, traffic, tracer };
    };
    const started = () => {
      assert(made !== undefined, "the fabric is used after its start");
      return made;
    };
    metrics.gauge("links", "links that are up", () => made?.tree.links.byPort.size ?? 0);
    metrics.gauge("servers", "servers in the fusion", () => made?.tree.view.servers.length ?? 0);
    return {
      fabric: {
        protocol: "tree/1",
        accept: (link, hello) => started().tree.accept(link, hello),
        merge: (address, how) => started().tree.merge(address, how),
        unmerge: (server) => started().tree.unmerge(server),
        publish: (to, traffic, bytes) => started().traffic.publish(to, traffic, bytes),
        keep: (neighbour, key, bytes) => started().tree.keep(neighbour, key, bytes),
        get view() {
          return started().tree.view;
        },
      },
      commands: {
        trace: command({
          about: "Show the way to a server, with the delay of each hop",
          usage: "NICK@SERVER",
          args: v.strictTuple([v.string()]),
          run: ([address]) => {
            const name = named(address.slice(address.lastIndexOf("@") + 1));
            if (isFailure(name)) return name;
            const { tree, tracer } = started();
            const found = tree.view.servers.find((one) => sameName(one.name, name));
            if (found !== undefined) return tracer.trace(found.name, found.sid);
            return failure("NO_SUCH_SERVER", `${name}: no server of this fusion`);
          },
        }),
        forget: command({
          about: "Forget which key a server's name had, so that another server may have it",
          usage: "NAME",
          args: v.strictTuple([v.string()]),
          run: ([text]) => {
            const name = named(text);
            if (isFailure(name)) return name;
            const { tree } = started();
            if (!tree.pins.forget(name)) {
              return failure("NO_SUCH_SERVER", `${name}: no key is known`);
            }
            tree.retime(); // which stores it
            return { text: `${name}: its key is forgotten` };
          },
        }),
        trust: command({
          about: "Say which key a server's name has from now on",
          usage: "NAME KEY",
          args: v.strictTuple([v.string(), v.string()]),
          run: ([text, key]) => {
            const name = named(text);
            if (isFailure(name)) return name;
            const sid = sidOfText(key, host.identity.sidOf);
            if (isFailure(sid)) return sid;
            started().tree.pins.trust(name, sid, clock.now());
            started().tree.retime();
            return { text: `${name} is ${sid} from now on` };
          },
        }),
      },
      async start() {
        made = make();
        await made.tree.start();
      },
      async stop() {
        await made?.tree.stop();
      },
    };
  },
});

// --- internal ---

function named(text: string): ServerName | Failure {
  try {
    return parseServerName(text);
  } catch (error) {
    return failureOf(error);
  }
}

/** A key (64 hex digits) or a sid (32). */
function sidOfText(text: string, sidOf: (key: Bytes) => Sid): Sid | Failure {
  const digits = text.toLowerCase();
  if (isSid(digits)) return digits;
  if (/^[0-9a-f]{64}$/.test(digits)) return sidOf(Uint8Array.fromHex(digits));
  return failure("USAGE", `${visible(text)}: expected a key of 64 hex digits, or a sid of 32`);
}
