// The fabric "tree/1": servers announce their links, signed; of all announcements one pure function
// makes a tree without loops and without namesakes; the source of a frame writes its whole way into
// the header. No leader, no lock: merges come out as if they had been made one after another.
//
//   plugins: [fabricTree()]
//   plugins: [fabricTree({ secret: process.env.FUSION_SECRET, allow: ["lyon", "<key or sid>"] })]
//
// Read view.ts first (what follows from the announcements), then session.ts (how a link comes up),
// tree.ts (who owns what), route.ts and traffic.ts (how bytes travel).

import { assert, definePlugin, LIMITS } from "chatfusion";
import type { Sid } from "chatfusion";
import * as v from "valibot";
import { treeCommands } from "./fabric-tree/commands.ts";
import { Tracer } from "./fabric-tree/trace.ts";
import { TrafficOf } from "./fabric-tree/traffic.ts";
import { Tree } from "./fabric-tree/tree.ts";

const secretLength = "expected a text of 16 to 1024 characters";
const Options = v.optional(
  v.strictObject({
    /** Both servers of a link must know it; it is proved, never sent. Long and random. */
    secret: v.optional(
      v.pipe(v.string(), v.minLength(16, secretLength), v.maxLength(1024, secretLength)),
    ),
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
    const full = metrics.counter("full", "servers forgotten, since too many are known");
    const told = new Map<string, number>();
    const warn = (text: string, sid: Sid) => {
      const now = clock.monotonic();
      if (now < (told.get(text) ?? 0)) return;
      told.set(text, now + LIMITS.newsLoggedMsMin);
      log.warn(text, { sid });
    };
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
        refused(sid) {
          refused();
          warn("news refused that would push others out", sid);
        },
        crowded(sid) {
          full();
          warn("too many servers are known: one outside the fusion is forgotten", sid);
        },
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
    const gauge = (name: string, help: string, read: (tree: Tree) => number) =>
      metrics.gauge(name, help, () => (made === undefined ? 0 : read(made.tree)));
    gauge("links", "links that are up", ({ links }) => links.byPort.size);
    gauge("standby", "those of them that are kept in reserve", (tree) =>
      tree.links.count("standby", tree.judgement),
    );
    gauge("waiting", "lost links that will be dialled again", (tree) => tree.waiting.length);
    gauge("pins", "names that are pinned to their keys", ({ pins }) => pins.size);
    gauge("servers", "servers in the fusion", ({ view }) => view.servers.length);
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
      commands: treeCommands(started, clock, (nick, server) => host.isOnline(nick, server)),
      async start() {
        made = make();
        await made.tree.start();
      },
      async stop() {
        made?.tracer.stop();
        await made?.tree.stop();
      },
    };
  },
});
