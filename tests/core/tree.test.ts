// The core over the real fabric: servers in a row, files and texts over three hops, a restart.

import { expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import fabricTree from "../../plugins/fabric-tree.ts";
import { patterned, Place, sha256 } from "./place.ts";

function row(seed: string, names: readonly string[]) {
  const place = new Place(seed);
  const start = (name: string) =>
    place.start(name, { plugins: [authGuest(), fabricTree()], tls: true });
  const homes = names.map(start);
  for (const [i, home] of homes.entries()) {
    const next = names[i + 1];
    if (next !== undefined) {
      const { text } = place.command(home, "merge", `${next}:7331`);
      expect(text).toStartWith("merged with");
    }
  }
  return { place, homes, start };
}

test("texts, private messages and a file pass over three hops", () => {
  const { place, homes } = row("row", ["amiens", "brest", "caen", "dijon"]);
  const ana = place.enter(homes[0]!, "ana");
  const dan = place.enter(homes[3]!, "dan");
  place.rest(1000);
  ana.get("say", { room: "#lobby", text: "hello" });
  ana.get("tell", { to: "dan@dijon", text: "psst" });
  const file = patterned(100_000);
  const offer = { to: "dan@dijon", name: "file", size: file.length };
  const transfer = String(ana.get("offer", offer)["transfer"]);
  place.rest(100);
  dan.get("accept", { transfer });
  place.rest(100);
  for (let at = 0; at < file.length; at += 50_000)
    ana.chunk(transfer, at, file.subarray(at, at + 50_000));
  ana.get("finish", { transfer, sha256: sha256(file) });
  place.rest(200);
  const chunks = dan.heard.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
  expect(sha256(new Uint8Array(Buffer.concat(chunks)))).toBe(sha256(file));
  expect([dan.texts(), dan.all("private").map(({ text }) => text)]).toEqual([["hello"], ["psst"]]);
  expect(place.faults()).toEqual([]);
});

test("what was said behind a cut comes after the heal; all that stops leaves nothing", () => {
  const { place, homes } = row("cut", ["amiens", "brest", "caen"]);
  const ana = place.enter(homes[0]!, "ana");
  const cat = place.enter(homes[2]!, "cat");
  place.rest(1000);
  place.world.cut("brest", "caen");
  place.rest(5000);
  ana.get("say", { room: "#lobby", text: "one" });
  cat.get("say", { room: "#lobby", text: "two" });
  place.world.heal("brest", "caen");
  place.rest(120_000);
  expect([ana.texts(), cat.texts()]).toEqual([
    ["one", "two"],
    ["two", "one"],
  ]);
  for (const home of homes) place.stop(home);
  place.rest(10_000);
  const quiet = place.world.digest();
  place.world.run(30 * 60_000);
  expect([place.world.digest(), place.world.connections]).toEqual([quiet, 0]);
});

test("a merge that is undone before it has settled is answered with the reason", () => {
  let undone = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const place = new Place(seed);
    const plugins = [authGuest(), fabricTree()];
    const [ann, bob, nice, NICE] = ["ann", "bob", "nice", "NICE"].map((name) =>
      place.start(name, { plugins, tls: true }),
    );
    const merges = [
      [ann!, "nice"],
      [bob!, "NICE"],
      [ann!, "bob"],
    ] as const;
    const answers = place.world.until(
      Promise.all(
        merges.map(([{ server }, to]) =>
          server.run(["merge", `${to}:7331`], { by: "console", roles: [] }),
        ),
      ),
    );
    for (const [at, [{ server }, to]] of merges.entries()) {
      const answer = answers[at]!;
      const { fusion } = server.status() as { readonly fusion: readonly string[] };
      expect("code" in answer ? answer.code : "", `seed ${seed}`).toBe(
        fusion.includes(to) ? "" : "NAME_TAKEN",
      );
      if (/^link to \w+ undone: the name NICE and nice/.test(answer.text)) undone++;
    }
    for (const home of [ann, bob, nice, NICE]) place.stop(home!);
  }
  expect(undone).toBeGreaterThan(0);
});
