// Files between clients of one server and of two: each phase, each fault, each way to end.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { deny } from "../../src/plugin.ts";
import { encodeFrame, encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { CHUNK_HEAD_BYTES, writeChunkHead } from "../../src/protocol/transfer.ts";
import type { Peer } from "./peer.ts";
import { patterned, Place, sha256 } from "./place.ts";

const KiB = 1024;

function pair(seed: string, remote: boolean) {
  const place = new Place(seed);
  const paris = place.start("paris");
  const lyon = remote ? place.start("lyon") : paris;
  const ana = place.enter(paris, "ana");
  const bob = place.enter(lyon, "bob");
  if (remote) place.join(paris, lyon);
  const to = `bob@${lyon.name}`;
  const offer = (size: number, name = "file") =>
    String(ana.get("offer", { to, name, size })["transfer"]);
  /** Offered and accepted. */
  const open = (size: number) => {
    const transfer = offer(size);
    place.rest(50);
    bob.get("accept", { transfer });
    place.rest(50);
    return transfer;
  };
  return { place, paris, lyon, ana, bob, to, offer, open };
}
const failed = (peer: Peer) => peer.all("failed").map(({ code }) => code);
const bytesOf = (peer: Peer) =>
  Buffer.concat(peer.heard.filter(({ name }) => name === "chunk").map(({ bytes }) => bytes!));

for (const remote of [false, true])
  describe(remote ? "between two servers" : "on one server", () => {
    const begin = (seed: string) => pair(`${seed} ${remote}`, remote);

    test("a file comes whole under credit, and both know it", () => {
      const { place, ana, bob, to } = begin("whole");
      const file = patterned(700 * KiB);
      const transfer = String(
        ana.get("offer", { to, name: "a/../b.txt", size: file.length })["transfer"],
      );
      place.rest(50);
      expect(bob.all("offered")).toMatchObject([
        { transfer, from: "ana@paris", size: file.length },
      ]);
      expect(String(bob.all("offered")[0]?.["name"])).not.toContain("/");
      bob.get("accept", { transfer });
      place.rest(50);
      let upTo = Number(ana.all("accepted")[0]?.["upTo"]);
      expect(upTo).toBe(LIMITS.creditBytes);
      for (let at = 0; at < file.length;) {
        const end = Math.min(at + 64 * KiB, upTo, file.length);
        if (end === at) {
          bob.send("credit", { transfer, upTo: bytesOf(bob).length + LIMITS.creditBytes });
          place.rest(100);
          upTo = Number(ana.all("credit").at(-1)?.["upTo"]);
          continue;
        }
        ana.chunk(transfer, at, file.subarray(at, end));
        at = end;
        place.rest(20);
      }
      ana.get("finish", { transfer, sha256: sha256(file) });
      place.rest(50);
      expect(sha256(bytesOf(bob))).toBe(sha256(file));
      expect(bob.all("finished")).toEqual([{ transfer, sha256: sha256(file) }]);
      bob.get("done", { transfer, sha256: sha256(file) });
      place.rest(50);
      expect(ana.all("done")).toEqual([{ transfer, sha256: sha256(file) }]);
    });

    test("an empty file is offered, finished and done", () => {
      const { place, ana, bob, open } = begin("empty");
      const transfer = open(0);
      const hash = sha256(new Uint8Array(0));
      ana.get("finish", { transfer, sha256: hash });
      place.rest(50);
      bob.get("done", { transfer, sha256: hash });
      place.rest(50);
      expect(ana.all("done")).toHaveLength(1);
    });

    const faults: Record<string, [string, (ana: Peer, transfer: string) => void]> = {
      "past the offered size": ["CHUNK_PAST_SIZE", (ana, t) => ana.chunk(t, 0, patterned(50_001))],
      "out of order": ["CHUNK_OUT_OF_ORDER", (ana, t) => ana.chunk(t, 10, patterned(10))],
    };
    for (const [what, [code, send]] of Object.entries(faults))
      test(`a chunk ${what} fails the transfer at both ends`, () => {
        const { place, ana, bob, open } = begin(what);
        send(ana, open(50_000));
        place.rest(50);
        expect([failed(ana), failed(bob)]).toEqual([[code], [code]]);
        expect(bytesOf(bob)).toHaveLength(0);
      });

    test("a chunk past the credit, or before the file is accepted, fails the transfer", () => {
      const { place, ana, bob, offer, open } = begin("credit");
      const transfer = open(400 * KiB);
      for (let at = 0; at <= LIMITS.creditBytes; at += 64 * KiB)
        ana.chunk(transfer, at, patterned(64 * KiB));
      place.rest(200);
      expect([failed(ana), failed(bob)]).toEqual([["CHUNK_PAST_CREDIT"], ["CHUNK_PAST_CREDIT"]]);
      ana.chunk(offer(100), 0, patterned(10));
      place.rest(200);
      expect([failed(ana).at(-1), failed(bob).at(-1)]).toEqual([
        "TRANSFER_STATE",
        "TRANSFER_STATE",
      ]);
    });

    test("a finish before the last byte fails it", () => {
      const { place, ana, bob, open } = begin("size");
      const transfer = open(100);
      expect(ana.ask("finish", { transfer, sha256: "0".repeat(64) })["code"]).toBe("SIZE_MISMATCH");
      place.rest(50);
      expect(failed(bob)).toEqual(["SIZE_MISMATCH"]);
    });

    test("either end may cancel, the receiver may reject; the other is told", () => {
      const { place, ana, bob, offer, open } = begin("cancel");
      ana.get("cancel", { transfer: open(100), reason: "changed my mind" });
      bob.get("cancel", { transfer: open(100), code: "FILE_UNWRITABLE" });
      const rejected = offer(100);
      place.rest(50);
      bob.get("reject", { transfer: rejected });
      place.rest(50);
      expect(failed(bob)).toEqual(["TRANSFER_CANCELLED"]);
      expect(failed(ana)).toEqual(["FILE_UNWRITABLE", "TRANSFER_REJECTED"]);
      expect(bob.ask("accept", { transfer: rejected })["code"]).toBe("NO_SUCH_TRANSFER");
    });

    test("an end that goes interrupts it", () => {
      const { place, paris, ana, bob, open, offer, lyon } = begin("gone");
      open(100);
      offer(100);
      bob.close();
      place.rest(50);
      expect(failed(ana)).toEqual(["TRANSFER_INTERRUPTED", "TRANSFER_INTERRUPTED"]);
      const cat = place.enter(lyon, "cat");
      place.rest(50);
      ana.get("offer", { to: `cat@${lyon.name}`, name: "x", size: 1 });
      ana.send("bye");
      place.rest(50);
      expect(failed(cat)).toEqual(["TRANSFER_INTERRUPTED"]);
      expect(paris.server.status()["transfers"]).toBe(0);
    });

    test("nobody else can use its id", () => {
      const { place, paris, ana, bob, open } = begin("others");
      const eve = place.enter(paris, "eve");
      const transfer = open(100);
      for (const [name, more] of [
        ["accept", {}],
        ["credit", { upTo: 1 }],
        ["cancel", {}],
        ["finish", { sha256: "0".repeat(64) }],
        ["done", { sha256: "0".repeat(64) }],
      ] as const)
        expect(eve.ask(name, { transfer, ...more })["code"]).toBe("NO_SUCH_TRANSFER");
      eve.chunk(transfer, 0, patterned(10));
      expect(ana.ask("accept", { transfer })["code"]).toBe("NO_SUCH_TRANSFER");
      expect(bob.ask("accept", { transfer })["code"]).toBe("TRANSFER_STATE");
      place.rest(50);
      expect([failed(ana), failed(bob), bytesOf(bob).length]).toEqual([[], [], 0]);
    });

    test("on which nothing moves it is interrupted after a while", () => {
      const { place, ana, bob, open } = begin("stalled");
      open(100);
      place.rest(LIMITS.transferStallMsMax + 10_000);
      expect([failed(ana), failed(bob)].map(([code]) => code)).toEqual([
        "TRANSFER_INTERRUPTED",
        "TRANSFER_INTERRUPTED",
      ]);
    });

    test("its offers are bounded in number and in rate", () => {
      const { place, ana, bob, offer, to } = begin("rate");
      const ids: string[] = [];
      for (let i = 0; i < LIMITS.transfersPerSessionMax; i++) ids.push(offer(1));
      expect(ana.ask("offer", { to, name: "x", size: 1 })["code"]).toBe("TOO_MANY_TRANSFERS");
      for (const transfer of ids) bob.get("reject", { transfer });
      for (let i = ids.length; i < LIMITS.offersPerMinuteMax; i++)
        bob.get("reject", { transfer: offer(1) });
      expect(ana.ask("offer", { to, name: "x", size: 1 })["code"]).toBe("RATE_LIMITED");
      place.rest(60_001);
      offer(1);
    });
  });

test("the answer to an offer comes before anything else is said of the transfer", () => {
  const { place, ana, bob, to } = pair("answer first", true);
  // What lyon says comes in one go, however long after.
  place.world.shape({ latencyMs: 0.01, jitterMs: 0 });
  const held: (() => void)[] = [];
  place.hub.fate = (frame) => {
    if (frame.from !== "lyon" || frame.traffic !== "private") return "pass";
    held.push(() => place.hub.inject(frame));
    return "lose";
  };
  ana.send("offer", { ref: 9, to, name: "x", size: 1 });
  place.rest(50);
  bob.send("accept", { transfer: bob.all("offered")[0]?.["transfer"] });
  place.rest(50);
  place.hub.fate = () => "pass";
  for (const inject of held) inject();
  place.rest(50);
  const names = ana.heard.map(({ name }) => name).filter((name) => /^(ack|accepted)$/.test(name));
  expect(names).toEqual(["ack", "accepted"]);
});

test("a server that vanishes interrupts its transfers, and its offers are answered", () => {
  const { place, ana, bob, open, to } = pair("vanished", true);
  open(100);
  place.hub.fate = () => "lose";
  const ref = ana.request("offer", { to, name: "x", size: 1 });
  place.rest(50);
  place.hub.part("lyon");
  place.rest(50);
  expect(ana.answer(ref)?.value["code"]).toBe("UNREACHABLE");
  expect([failed(ana), failed(bob)]).toEqual([["TRANSFER_INTERRUPTED"], ["TRANSFER_INTERRUPTED"]]);
});

test("onFile of either server may deny an offer", () => {
  for (const denying of ["paris", "lyon"]) {
    const place = new Place(`onFile ${denying}`);
    const homes = ["paris", "lyon"].map((name) =>
      place.start(name, name === denying ? { hooks: { onFile: () => deny("not here") } } : {}),
    );
    const ana = place.enter(homes[0]!, "ana");
    const bob = place.enter(homes[1]!, "bob");
    place.join(...homes);
    const answer = ana.ask("offer", { to: "bob@lyon", name: "x", size: 1 });
    expect(answer).toMatchObject({ code: "FILE_DENIED", text: "not here" });
    expect(bob.all("offered")).toEqual([]);
  }
});

test("an offer whose sender went while a hook thought it over is taken back", () => {
  const place = new Place("onFile late");
  const paris = place.start("paris");
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const lyon = place.start("lyon", { hooks: { onFile: () => promise } });
  const [ana, bob] = [place.enter(paris, "ana"), place.enter(lyon, "bob")];
  place.join(paris, lyon);
  ana.send("offer", { ref: 9, to: "bob@lyon", name: "x", size: 1 });
  place.rest(50);
  ana.send("bye", {});
  place.rest(50);
  resolve(undefined);
  place.rest(50);
  expect(bob.all("offered")).toHaveLength(1);
  expect(failed(bob)).toEqual(["NO_SUCH_TRANSFER"]);
});

test("an offer whose server went while a hook thought it over is not shown any more", () => {
  const place = new Place("onFile split");
  const paris = place.start("paris");
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const lyon = place.start("lyon", { hooks: { onFile: () => promise } });
  const [ana, bob] = [place.enter(paris, "ana"), place.enter(lyon, "bob")];
  place.join(paris, lyon);
  ana.send("offer", { ref: 9, to: "bob@lyon", name: "x", size: 1 });
  place.rest(50);
  place.hub.part("lyon");
  place.rest(50);
  resolve(undefined);
  place.rest(50);
  expect(bob.all("offered")).toEqual([]);
});

/** Whole chunk frames of a file, in chunks of this size. */
function framesOf(transfer: string, file: Uint8Array, chunkBytes: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(file.length / chunkBytes) }, (_, index) => {
    const at = index * chunkBytes;
    const bytes = file.subarray(at, at + chunkBytes);
    const payload = new Uint8Array(CHUNK_HEAD_BYTES + bytes.length);
    writeChunkHead(payload, 0, transfer, at);
    payload.set(bytes, CHUNK_HEAD_BYTES);
    return encodeFrame(FRAME.chunk, payload);
  });
}

describe("chunks that are read together", () => {
  test("come to each receiver as they were, however they are cut", () => {
    const { place, paris, ana, bob, open } = pair("together", false);
    const cyd = place.enter(paris, "cyd");
    for (const [index, cut] of [1000, 30_000, 65_565, 66_000, 100_000, 400_000].entries()) {
      const files = [patterned(200 * KiB, index), patterned(170 * KiB, index + 100)] as const;
      const forBob = open(files[0].length);
      const to = "cyd@paris";
      const forCyd = String(ana.get("offer", { to, name: "x", size: files[1].length })["transfer"]);
      cyd.get("accept", { transfer: forCyd });
      const [first, second] = [
        framesOf(forBob, files[0], 40 * KiB),
        framesOf(forCyd, files[1], 64 * KiB),
      ];
      // One behind the other, in turn, and with a line between them.
      const text = `line ${index}`;
      const line = encodeJson(FRAME.tell, { to: "bob@paris", text });
      const parts = [first[0], first[1], second[0], first[2], line, second[1], second[2]];
      const stream = new Uint8Array(
        Buffer.concat([...parts, first[3], first[4]].map((part) => part!)),
      );
      const from = [bob.heard.length, cyd.heard.length] as const;
      for (let at = 0; at < stream.length; at += cut) ana.raw(stream.slice(at, at + cut));
      place.rest(200);
      const heard = [bob.heard.slice(from[0]), cyd.heard.slice(from[1])];
      for (const [who, file] of files.entries()) {
        const bytes = heard[who]!.flatMap((one) => one.bytes ?? []);
        expect(Buffer.compare(Buffer.concat(bytes), file), `by ${cut}`).toBe(0);
      }
      expect(bob.all("private").at(-1)?.["text"]).toBe(text);
      for (const [peer, transfer] of [
        [bob, forBob],
        [cyd, forCyd],
      ] as const) {
        peer.get("cancel", { transfer });
      }
      place.rest(60_000);
    }
  });

  test("leave by one write, when they stand one behind the other", () => {
    const { place, ana, bob, open } = pair("one write", false);
    place.world.shape({ latencyMs: 1, jitterMs: 0 });
    const file = patterned(60 * KiB);
    const transfer = open(file.length);
    const before = bob.chunks;
    ana.raw(new Uint8Array(Buffer.concat(framesOf(transfer, file, 10 * KiB))));
    place.rest(100);
    expect(Buffer.compare(bytesOf(bob), file)).toBe(0);
    expect(bob.chunks - before).toBe(1);
  });

  test("are handed on, though the next frame ends their sender's connection", () => {
    const { place, ana, bob, open } = pair("then wrong", false);
    const file = patterned(1000);
    const transfer = open(2000);
    const wrong = encodeFrame(FRAME.message, new Uint8Array(2));
    ana.raw(new Uint8Array(Buffer.concat([...framesOf(transfer, file, 500), wrong])));
    place.rest(50);
    expect(ana.closed).toBeDefined();
    expect(Buffer.compare(bytesOf(bob), file)).toBe(0);
    expect(failed(bob)).toEqual(["TRANSFER_INTERRUPTED"]);
  });

  test("and are too many for a receiver who does not read end their transfer alone", () => {
    const { place, ana, bob, open } = pair("full", false);
    const size = LIMITS.creditBytesMax;
    const ids = [open(size), open(size), open(size)];
    for (const transfer of ids) bob.send("credit", { transfer, upTo: size });
    place.rest(50);
    bob.wire.pause();
    const file = patterned(size);
    ana.wire.bound("bulk", 4 * size);
    for (const transfer of ids)
      for (const frame of framesOf(transfer, file, 64 * KiB)) ana.wire.send("bulk", frame);
    ana.wire.flush();
    place.rest(5000);
    expect(ana.all("failed")).toMatchObject([
      { transfer: ids[2], code: "TRANSFER_INTERRUPTED", text: "its receiver takes no more" },
    ]);
    bob.wire.resume();
    place.rest(5000);
    for (const [index, transfer] of ids.entries()) {
      const chunks = bob.heard.filter(
        ({ name, value }) => name === "chunk" && value["transfer"] === transfer,
      );
      const came = Buffer.concat(chunks.map(({ bytes }) => bytes!));
      expect(Buffer.compare(came, file.subarray(0, came.length))).toBe(0);
      if (index < 2) expect(came.length).toBe(size);
    }
    expect(bob.all("failed")).toMatchObject([{ transfer: ids[2] }]);
  });
});
