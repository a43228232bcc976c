// What is kept of private messages survives whatever happens to the disk and the server; what could
// not be kept is refused, and never shown.

import { describe, expect, test } from "bun:test";
import { createMail } from "../../src/core/mail.ts";
import type { Store } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import type { PrivateEntry } from "../../src/protocol/messages.ts";
import { createWorld } from "../../src/testing.ts";
import { startWithAccounts as start } from "./accounts.ts";
import type { Peer } from "./peer.ts";

const to = "ana@paris";
const shown = (peer: Peer) => peer.all("private").map(({ text }) => text);

describe("what cannot be kept", () => {
  test("on a disk that fails is refused, never shown, and does not come back", () => {
    const { place, paris, logIn, restart } = start("disk");
    const bob = place.enter(paris, "bob");
    bob.get("tell", { to, text: "before" });
    const disk = place.world.disk("paris");
    disk.failWrites(new Error("no space"));
    expect(bob.ask("tell", { to, text: "lost", cid: "c1" })["code"]).toBe("INTERNAL");
    disk.failWrites(undefined);
    place.rest(LIMITS.storeRetryMs);
    restart("crash");
    const again = place.enter(place.homes.get("paris")!, "bob");
    expect(again.get("tell", { to, text: "after", cid: "c1" })["outcome"]).toBe("stored");
    const ana = logIn("ana");
    place.rest(100);
    expect(shown(ana)).toEqual(["before", "after"]);
  });

  test("while the disk hangs is unconfirmed after a minute, and its end is told later", () => {
    const { place, paris } = start("slow disk");
    const bob = place.enter(paris, "bob");
    const { store } = paris.environment;
    const { write } = store;
    const hung = Promise.withResolvers<void>();
    Object.assign(store, {
      write: (...what: Parameters<Store["write"]>) => hung.promise.then(() => write(...what)),
    });
    expect(bob.ask("tell", { to, text: "hi", cid: "c1" })["code"]).toBe("UNCONFIRMED");
    hung.resolve();
    place.rest(1000);
    expect(bob.all("told")).toMatchObject([{ to, cid: "c1", outcome: "stored" }]);
  });

  test("a full mailbox is refused by number and by bytes; others are not concerned", () => {
    const { place, paris, logIn, accounts } = start("full");
    accounts.add("eve");
    const bob = place.enter(paris, "bob");
    const refs = Array.from({ length: LIMITS.mailMessagesMax + 1 }, (_, i) =>
      bob.request("tell", { to, text: String(i) }),
    );
    place.rest(1000);
    expect(bob.answer(refs.at(-2)!)?.value["outcome"]).toBe("stored");
    const { code, text: why } = bob.answer(refs.at(-1)!)?.value ?? {};
    expect(code).toBe("MAILBOX_FULL");
    expect(why).toStartWith("ana@paris is offline, and 200 messages wait for the next login");
    const text = "z".repeat(LIMITS.textBytesMax);
    let count = 0;
    while (bob.ask("tell", { to: "eve@paris", text })["outcome"] === "stored") count++;
    expect(count).toBe(Math.floor(LIMITS.mailBytesMax / LIMITS.textBytesMax) - 1);
    const ana = logIn("ana");
    place.rest(100);
    expect(shown(ana)).toHaveLength(LIMITS.mailMessagesMax);
    ana.send("bye");
    place.rest(100);
    expect(bob.get("tell", { to, text: "there is room again" })["outcome"]).toBe("stored");
  });

  test("where the plugin that knows the accounts fails, it is refused, and that is logged", () => {
    const { place, paris, accounts } = start("plugin");
    const bob = place.enter(paris, "bob");
    accounts.has = () => {
      throw new Error("the database is busy");
    };
    expect(bob.ask("tell", { to, text: "x" })["code"]).toBe("PLUGIN_FAILED");
    expect(place.faults().join()).toContain('accountOf failed {"plugin":"auth-accounts"');
  });
});

describe("on the disk", () => {
  test("lines that are no messages stay where they are, are logged, and harm nothing", () => {
    const { place, paris, logIn, restart } = start("bad lines");
    const bob = place.enter(paris, "bob");
    for (const text of ["1", "2"]) bob.get("tell", { to, text });
    place.stop(paris);
    const disk = place.world.disk("paris");
    const files = new Map(disk.backup());
    const [key = ""] = disk.keys().filter((name) => name.startsWith("mail-"));
    const [one = "", two = ""] = text(files.get(key)).split("\n");
    const bad = ['{"account":"ana"', '{"account":1,"message":{}}', "", "\u0000", one.slice(0, 40)];
    const more = [...bad, one, '"', two.slice(0, -1)].join("\n");
    files.set(key, Buffer.concat([Uint8Array.of(0xff, 0xfe, 10), bytes(more)]));
    disk.restore(files);
    restart("stopped");
    expect(place.faults().join()).toContain(`mail with bad lines {"key":"${key}","lines":8}`);
    const again = place.enter(place.homes.get("paris")!, "bob");
    again.get("tell", { to, text: "3" });
    const ana = logIn("ana");
    place.rest(100);
    expect(shown(ana)).toEqual(["1", "3"]);
    const left = disk.backup().get(key)!;
    expect([...left.subarray(0, 3)]).toEqual([0xff, 0xfe, 10]);
    expect(text(left.subarray(3))).toBe([...bad, '"', two.slice(0, -1), ""].join("\n"));
  });

  test("what came while a write was under way is one more write", async () => {
    const { mail, writes } = open();
    const ends = Array.from({ length: 100 }, (_, i) => mail.keep("ana", message({ id: `m${i}` })));
    expect(await Promise.all(ends)).toEqual(ends.map(() => "stored"));
    expect(writes).toHaveLength(2);
    await mail.idle();
  });

  test("a value that cannot be read is not written over, its accounts are refused", async () => {
    const { mail, writes } = open({ read: () => Promise.reject(new Error("EIO")) });
    await mail.load();
    expect(await mail.keep("ana", message())).toMatchObject({ code: "INTERNAL" });
    expect(writes).toEqual([]);
  });

  test("though it cannot be written, what was handed over meanwhile is delivered", async () => {
    const { mail } = open({ write: () => Promise.reject(new Error("ENOSPC")) });
    const ends = [mail.keep("ana", message({ id: "m1" })), mail.keep("eve", message())];
    mail.shown(mail.of("ana"));
    expect(await Promise.all(ends)).toMatchObject(["delivered", { code: "INTERNAL" }]);
    await mail.idle();
    expect([mail.of("ana").length, mail.of("eve").length]).toEqual([1, 0]);
    mail.close();
  });

  test("there is a bound to how many accounts, and to how much in all", async () => {
    const { mail } = open();
    const keeps: Promise<unknown>[] = [];
    const text = "z".repeat(LIMITS.textBytesMax);
    const keep = (i: number, long = false) =>
      mail.keep(`a${i}`, message({ to: `a${i}@paris`, ...(long ? { text } : {}) }));
    for (let i = 0; i < LIMITS.mailAccountsMax; i++) keeps.push(keep(i));
    await mail.idle();
    expect(await keep(LIMITS.mailAccountsMax)).toMatchObject({ code: "MAILBOX_FULL" });
    let kept = 0;
    for (let i = 0; ; i = (i + 1) % LIMITS.mailAccountsMax) {
      const count = mail.count;
      keeps.push(keep(i, true));
      if (mail.count === count) break;
      kept += LIMITS.textBytesMax;
    }
    expect(kept).toBeGreaterThan(LIMITS.mailBytesInAllMax * 0.8);
    expect(kept).toBeLessThan(LIMITS.mailBytesInAllMax);
    mail.remove(mail.of("a0"));
    expect(await keep(1, true)).toBe("stored");
    await Promise.all(keeps);
  });
});

// --- internal ------------------------------------------------------------------------------------

const bytes = (from: string) => new TextEncoder().encode(from);
const text = (from: Uint8Array | undefined) => new TextDecoder().decode(from);

const message = (more: Partial<PrivateEntry> = {}): PrivateEntry => ({
  id: "m",
  from: "bob@paris",
  to,
  kind: "text",
  text: "hi",
  at: 1,
  ...more,
});

/** A mail alone, on a store that remembers what was written. */
function open(files: Partial<Store> = {}) {
  const { clock, crypto, log } = createWorld({ seed: "mail alone" }).environment("paris");
  const writes: string[] = [];
  const store: Store = {
    read: () => Promise.resolve(undefined),
    write(key) {
      writes.push(key);
      return Promise.resolve();
    },
    ...files,
  };
  const accountOf = (nick: string) => nick;
  const mail = createMail({ environment: { clock, crypto, log, store }, accountOf });
  return { mail, writes };
}
