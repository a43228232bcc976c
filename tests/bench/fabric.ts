// What the fabric's pure functions cost, for 8 to 1,024 servers, against the figures that the
// design was measured with: `bun run bench:fabric`, or with `--json`. A machine's speed differs
// from day to day, so two fixed loops are timed in the same run: compare after dividing by them.

import { createHash, generateKeyPairSync, sign, verify } from "node:crypto";
import { TRAFFIC } from "../../src/plugin.ts";
import type { Bytes, Sid } from "../../src/plugin.ts";
import { announce, readAnnouncement } from "../../plugins/fabric-tree/announcement.ts";
import type { Identity } from "../../plugins/fabric-tree/announcement.ts";
import { Writer } from "../../plugins/fabric-tree/bytes.ts";
import { publishedView } from "../../plugins/fabric-tree/published.ts";
import { readRouted, routedHead, routesTo, splitRoute } from "../../plugins/fabric-tree/route.ts";
import { judge } from "../../plugins/fabric-tree/view.ts";
import type { Judgement, Paths } from "../../plugins/fabric-tree/view.ts";
import { announced, seeded, SHAPES } from "./graphs.ts";
import { mergeMs } from "./merging.ts";
import { timed } from "./timing.ts";

const SIZES = [8, 64, 256, 1024] as const;

/** Microseconds, and bytes, of the implementation that the design was tried out with. */
const REFERENCE = {
  view: { 8: 8, 64: 55, 256: 461, 1024: 2013 },
  split: { 8: 1.5, 64: 10, 256: 24, 1024: 154 },
  bytes: { 8: 16, 64: 128, 256: 640, 1024: 2944 },
} as const;
const RATIO_MAX = 1.5;

type Size = (typeof SIZES)[number];

interface Row {
  readonly what: string;
  readonly servers: Size | undefined;
  readonly unit: "µs" | "ms" | "bytes";
  /** The median; of times also the least. */
  readonly value: number;
  readonly least?: number;
  readonly reference?: number;
}

const rows: Row[] = [];

await measureAll(); // the compilers are still at work
rows.length = 0;
await measureAll();
print();

// --- internal ---

async function measureAll(): Promise<void> {
  await calibrate();
  for (const servers of SIZES) {
    await views(servers);
    await routes(servers);
  }
  await announcements();
  merges();
}

async function calibrate(): Promise<void> {
  const mebibyte = new Uint8Array(1 << 20);
  await time("calibration: SHA-256 of 1 MiB", undefined, () =>
    createHash("sha256").update(mebibyte).digest(),
  );
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const signature = sign(null, new Uint8Array(400), privateKey);
  await time("calibration: one Ed25519 signature checked", undefined, () =>
    verify(null, new Uint8Array(400), publicKey, signature),
  );
  const keys = Array.from({ length: 4096 }, (_, at) => `key ${at}`);
  await time("calibration: a Map of 4,096 texts, made and read", undefined, () => {
    const map = new Map(keys.map((key, at) => [key, at]));
    let sum = 0;
    for (const key of keys) sum += map.get(key) ?? 0;
    return sum;
  });
}

async function views(servers: Size): Promise<void> {
  for (const [shape, wires] of Object.entries(SHAPES)) {
    const { self, all } = announced(servers, wires(servers));
    const reference = shape === "random" ? REFERENCE.view[servers] : undefined;
    await time(`judge, ${shape}`, servers, () => judge(all, self), reference);
    if (shape !== "random") continue;
    const before = judge(all, self);
    const view = publishedView(before, undefined, () => 1);
    await time("publishedView, nothing new", servers, () => publishedView(before, view, () => 1));
    await time("publishedView, the first", servers, () =>
      publishedView(before, undefined, () => 1),
    );
  }
}

async function routes(servers: Size): Promise<void> {
  const { self, sids, all } = announced(servers, SHAPES.random(servers));
  const judgement = judge(all, self);
  await time("routesTo all, over the tree", servers, () =>
    routesTo(judgement, judgement.tree, sids),
  );
  const chance = seeded(7);
  const anybody = () => [sids[1 + Math.floor(chance() * (servers - 1))] ?? self];
  await time("routesTo one, the shortest way", servers, () =>
    routesTo(judgement, judgement.shortest, anybody()),
  );
  const whole = wholeRoute(judgement, judgement.tree, sids);
  const split = REFERENCE.split[servers];
  rows.push({
    what: "route to all, at its root",
    servers,
    unit: "bytes",
    value: whole.length,
    reference: REFERENCE.bytes[servers],
  });
  await time("splitRoute, the whole route", servers, () => splitRoute(whole), split);
  const head = routedHead(new Uint8Array(16), TRAFFIC[2], { deliver: true, route: whole });
  await time("readRouted, the whole route", servers, () => readRouted(head), split);
}

/** The route as one who hands it on would get it: with the root's own entries. */
function wholeRoute(judgement: Judgement, paths: Paths, to: readonly Sid[]): Bytes {
  const { hops } = routesTo(judgement, paths, to);
  const writer = new Writer();
  for (const { port, deliver, route } of hops) {
    writer
      .varint(port * 2 + (deliver ? 1 : 0))
      .varint(route.length)
      .bytes(route);
  }
  return writer.done();
}

async function announcements(): Promise<void> {
  const { all } = announced(65, SHAPES.star(65));
  for (const one of [...all.values()].slice(0, 2)) {
    const { links } = one;
    // What is signed and verified costs the same everywhere, and is left out.
    const identity: Identity = {
      ...one,
      sign: () => new Uint8Array(64),
      verify: () => true,
      sidOf: () => one.sid,
      sha256: () => new Uint8Array(32),
    };
    const version = { epoch: 1, seq: 1 };
    const { bytes } = announce(identity, version, links);
    const count = `${links.length} ${links.length === 1 ? "link" : "links"}`;
    await time(`announce, ${count}`, undefined, () => announce(identity, version, links));
    await time(`readAnnouncement, ${count}`, undefined, () => readAnnouncement(bytes, identity));
  }
}

function merges(): void {
  for (const [how, atOnce] of [
    ["128 announcements a tick", 128],
    ["one announcement a tick", 1],
  ] as const) {
    const runs = Array.from({ length: 3 }, () => mergeMs(512, atOnce)).toSorted((a, b) => a - b);
    const [least = 0, median = 0] = runs;
    rows.push({
      what: `merge of 512 and 512, ${how}`,
      servers: 1024,
      unit: "ms",
      value: median,
      least,
    });
  }
}

async function time(
  what: string,
  servers: Size | undefined,
  run: () => unknown,
  reference?: number,
): Promise<void> {
  const { median, least } = await timed(run);
  rows.push({
    what,
    servers,
    unit: "µs",
    value: median,
    least,
    ...(reference === undefined ? {} : { reference }),
  });
}

function print(): void {
  if (process.argv.includes("--json")) return console.log(JSON.stringify(rows));
  const cells = rows.map(({ what, servers, unit, value, least, reference }) => {
    const ratio = reference === undefined ? undefined : value / reference;
    return [
      what,
      servers === undefined ? "" : String(servers),
      `${digits(value)} ${unit}`,
      least === undefined ? "" : digits(least),
      reference === undefined ? "" : String(reference),
      ratio === undefined ? "" : `${ratio.toFixed(2)}${ratio > RATIO_MAX ? " !" : ""}`,
    ];
  });
  const table = [["", "servers", "median", "least", "reference", "ratio"], ...cells];
  const widths = table[0]?.map((_, at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  for (const row of table) {
    const line = row.map((cell, at) => {
      const width = widths?.[at] ?? 0;
      return at === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    console.log(line.join("  ").trimEnd());
  }
}

function digits(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
