// Messages that were removed from a history: others get tombstones instead, take their numbers, and
// show nothing; and nobody on the way can make a message vanish by one.

import { describe, expect, test } from "bun:test";
import { loadIdentity } from "../../src/core/identity.ts";
import { createMessageLog } from "../../src/core/log.ts";
import { createHistoryHost } from "../../src/core/redaction.ts";
import { Spoken } from "../../src/core/spoken.ts";
import { createStreams } from "../../src/core/streams.ts";
import type { Bytes } from "../../src/environment.ts";
import type { RoomName } from "../../src/names.ts";
import type { MessageEntry } from "../../src/plugin.ts";
import { decodeBatch, isTombstone } from "../../src/protocol/batch.ts";
import { encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { createWorld } from "../../src/testing.ts";
import { LyingTown } from "./lying-town.ts";
import { MemoryHistory } from "./memory.ts";
import { lobby, say, Town } from "./town.ts";

/** Removes what was said from a server's history. */
function remove(town: Town, name: string, text: string): void {
  const history = town.histories.get(name)!;
  const gone = history.backlog(lobby, 1000).filter((one) => one.text === text);
  expect(gone).toHaveLength(1);
  history.redact(lobby, gone);
}

/** Paris said one, two, three, which lyon heard and caen did not; then it forgot "two". */
function forgotten(seed: string) {
  const town = new Town(seed, ["paris", "lyon", "caen"]);
  const cat = town.enter("caen", "cat");
  town.enter("lyon", "bob");
  const ana = town.enter("paris", "ana");
  say(ana, "zero");
  town.place.rest(1000);
  town.part("caen");
  for (const text of ["one", "two", "three"]) say(ana, text);
  town.place.rest(1000);
  remove(town, "paris", "two");
  return { town, cat };
}

describe("what was removed", () => {
  test("comes as tombstones, is shown to nobody, and leaves no gap", () => {
    const { town, cat } = forgotten("removed");
    town.kill("lyon");
    town.kill("paris"); // what it keeps in memory has the text
    town.start("paris");
    town.join("paris", "caen");
    expect(cat.texts()).toEqual(["zero", "one", "three"]);
    expect(cat.all("gap")).toEqual([]);
    expect(town.said("caen")).toEqual(["zero", "one", "three"]);
    expect(town.place.faults()).toEqual([]);
    const frames = town.place.hub.frames.filter(({ to }) => to === "caen");
    expect(frames.some(({ bytes }) => Buffer.from(bytes).includes('"two"'))).toBe(false);
  });

  test("is handed on as such by who got it so, when its origin is gone", () => {
    const { town } = forgotten("handed on");
    town.kill("lyon");
    town.kill("paris");
    town.start("paris");
    town.join("paris", "caen");
    town.kill("paris");
    town.kill("caen");
    town.start("caen");
    // It had heard paris before it lost what it had.
    town.start("lyon");
    town.histories.get("lyon")!.batches.splice(1);
    town.kill("lyon");
    town.start("lyon");
    const dan = town.enter("lyon", "dan");
    town.join("lyon", "caen");
    expect(dan.texts()).toEqual(["one", "three"]);
    expect(dan.all("gap")).toEqual([]);
  });

  test("does not come back by who has it still, once the tombstone is here", () => {
    const { town, cat } = forgotten("not back");
    town.kill("paris");
    town.start("paris");
    town.part("lyon");
    town.join("paris", "caen");
    town.join("paris", "caen", "lyon");
    town.place.rest();
    expect(cat.texts()).toEqual(["zero", "one", "three"]);
    expect(town.said("caen")).toEqual(["zero", "one", "three"]);
  });
});

test("who passes a message on cannot make it vanish: its origin is asked for it", () => {
  const town = new LyingTown("blanked on the way");
  const { place, ana, bob } = town;
  const { crypto } = town.homes.get("paris")!.environment;
  say(ana, "one");
  place.rest(100);
  place.hub.fate = ({ from, to, traffic }) =>
    from === "paris" && to === "lyon" && traffic === "room" ? "lose" : "pass";
  say(ana, "two");
  place.rest(50);
  const { bytes } = town.frames("paris", "lyon", "room").at(-1)!;
  const gone = town.histories.get("paris")!.backlog(lobby, 1);
  place.hub.fate = () => "pass";
  const frame = { from: "paris", to: "lyon", traffic: "room" } as const;
  place.hub.inject({ ...frame, bytes: createHistoryHost(crypto).blank(bytes, gone) });
  place.rest(1000);
  expect(bob.texts()).toEqual(["one", "two"]);
  town.isWell(["one", "two"]);
});

test("a server that says nothing but tombstones of its own is taken at its word", () => {
  const town = new LyingTown("own tombstones");
  const { place, liar } = town;
  const { crypto } = town.homes.get("lyon")!.environment;
  const entry = liar.entry("mine");
  const whole = liar.batch(1, [entry]);
  const blank = createHistoryHost(crypto).blank(whole, [entry as unknown as MessageEntry]);
  liar.publish("lyon", "room", blank);
  place.rest(100);
  // It is asked, and has nothing else.
  expect(liar.last("want")).toMatchObject({ from: 1, to: 1 });
  liar.publish("lyon", "room", blank);
  place.rest(100);
  liar.publish("lyon", "room", liar.batch(2, [liar.entry("second")]));
  place.rest(100);
  town.isWell(["second"]);
});

test("what is kept for repair, and in the history, loses the text when it is removed", async () => {
  const world = createWorld({ seed: "kept" });
  const environment = world.environment("paris");
  const identity = world.until(loadIdentity(environment));
  const memory = new MemoryHistory();
  // Its host is the core's.
  const host = createHistoryHost(environment.crypto);
  const { history } = memory.plugin().setup({ host });
  const commits = memory.hold();
  const sent: Bytes[] = [];
  const log = createMessageLog({
    history: () => history,
    log: environment.log,
    logged: () => undefined,
    changed: () => undefined,
  });
  const streams = createStreams({
    ...environment,
    log,
    spoken: new Spoken(),
    history: () => history,
    identity: () => identity,
    wantsLog: () => true,
    redacted: () => undefined,
    subscribers: () => [],
    accompanied: () => true,
    publish(_, bytes) {
      sent.push(bytes);
      return "sent";
    },
  });
  const room = lobby as RoomName;
  const entries = ["one", "two", "three"].map((text, at): MessageEntry => {
    const id = `id-${at}`;
    return { id, from: "ana@paris", room, kind: "text", text, at };
  });
  for (const entry of entries) streams.add(room, entry, encodeJson(FRAME.message, entry));
  const removed = streams.redact(room, entries.slice(1, 2));
  await Promise.resolve();
  commits.release(); // what it holds is on its way to the disk, and is waited for
  await removed;
  const stream = { origin: identity.sid, life: identity.life, room };
  await streams.serve(identity.sid, stream, { from: 1, last: 3, head: 3 });
  const { bytes } = memory.batches[0]!;
  for (const batch of [sent[0]!, bytes]) {
    const { frames } = decodeBatch(environment.crypto, batch);
    expect(frames.map((frame) => isTombstone(frame))).toEqual([false, true, false]);
    expect(Buffer.from(batch).includes("two")).toBe(false);
  }
  expect(memory.texts()).toEqual(["one", "three"]);
});
