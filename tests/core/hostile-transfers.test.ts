// Receivers who say more than is to be said: what they permit again and again costs their senders,
// and the way between two servers, nothing. And senders who offer more than one can answer, one or
// as many as a server likes.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { LyingTown } from "./lying-town.ts";
import { Place } from "./place.ts";

test("a server whose people offer files to all without end leaves room for the others'", () => {
  const town = new LyingTown("offers without end");
  const { liar, place, ana } = town;
  const { transfersPerServerMax, transfersPerSessionMax } = LIMITS;
  const crowd = Math.ceil(transfersPerServerMax / transfersPerSessionMax) + 2;
  for (let at = 0; at < crowd; at++) town.enter("lyon", `guest${at}`);
  let made = 0;
  for (let at = 0; at < crowd; at++) {
    for (let count = 0; count < transfersPerSessionMax; count++) {
      const transfer = (made++).toString(16).padStart(32, "0");
      const to = `guest${at}@lyon`;
      liar.tell("lyon", { t: "offer", transfer, from: `mal${made}@nice`, to, name: "x", size: 1 });
    }
    place.rest(100);
  }
  const { server } = town.homes.get("lyon")!;
  expect(server.status()).toMatchObject({ transfers: transfersPerServerMax });
  expect(liar.last("failed")).toMatchObject({ code: "TOO_MANY_TRANSFERS" });
  expect(ana.get("offer", { to: "bob@lyon", name: "mine", size: 1 })).toHaveProperty("transfer");
  town.isWell();
});

for (const remote of [false, true]) {
  const where = remote ? "of another server" : "of the same server";
  const begin = (size: number) => {
    const place = new Place(`credits ${remote}`);
    const paris = place.start("paris");
    const lyon = remote ? place.start("lyon") : paris;
    const [ana, bob] = [place.enter(paris, "ana"), place.enter(lyon, "bob")];
    if (remote) place.join(paris, lyon);
    const to = `bob@${lyon.name}`;
    const transfer = String(ana.get("offer", { to, name: "a", size })["transfer"]);
    place.rest(50);
    bob.get("accept", { transfer });
    place.rest(50);
    return { place, ana, bob, transfer };
  };

  test(`credits that permit nothing more do not reach a sender ${where}`, () => {
    const { place, ana, bob, transfer } = begin(2 ** 40);
    const upTo = 2 * LIMITS.creditBytes;
    for (let time = 0; time < 1000; time++) bob.send("credit", { transfer, upTo });
    place.rest(100);
    expect(ana.all("credit")).toEqual([{ transfer, upTo }]);
  });

  test(`nor do those that permit a byte more each, before they are needed, ${where}`, () => {
    const { place, ana, bob, transfer } = begin(2 ** 40);
    for (let more = 1; more <= 1000; more++)
      bob.send("credit", { transfer, upTo: LIMITS.creditBytes + more });
    place.rest(100);
    expect(ana.all("credit")).toEqual([]);
    const step = LIMITS.chunkBytesMax;
    for (let at = 0; at < LIMITS.creditBytes; at += step) {
      ana.chunk(transfer, at, new Uint8Array(step));
      place.rest(50);
    }
    expect(ana.all("credit")).toEqual([{ transfer, upTo: LIMITS.creditBytes + 1000 }]);
  });

  test(`they keep no transfer alive on which nothing moves, ${where}`, () => {
    const { place, ana, bob, transfer } = begin(2 ** 40);
    const upTo = LIMITS.creditBytes;
    for (let time = 0; time < 8; time++) {
      bob.send("credit", { transfer, upTo });
      place.rest(LIMITS.transferStallMsMax / 4);
    }
    expect(ana.all("failed")).toMatchObject([{ code: "TRANSFER_INTERRUPTED" }]);
  });
}

test("offers that nobody has answered keep nobody from offering", () => {
  const place = new Place("offers");
  const paris = place.start("paris");
  const [ana, bob, cy] = ["ana", "bob", "cy"].map((nick) => place.enter(paris, nick));
  const offer = (to: string) => ({ to: `${to}@paris`, name: "a", size: 1 });
  for (let count = 0; count < LIMITS.transfersPerSessionMax; count++)
    expect(bob!.get("offer", offer("ana"))).toHaveProperty("transfer");
  expect(cy!.ask("offer", offer("ana"))).toMatchObject({ code: "TOO_MANY_TRANSFERS" });
  expect(ana!.get("offer", offer("cy"))).toHaveProperty("transfer");
});
