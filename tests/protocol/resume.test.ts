// Coming back: the rules of docs/protocol.md about ping, bye and the lost connection, by their
// numbers, played against the real core over its wire.

import { describe, expect, test } from "bun:test";
import { refusalOf } from "../../src/client/connection.ts";
import { LIMITS } from "../../src/limits.ts";
import { encodeFrame, encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { type RawClient, startSite } from "./native.ts";

const lobby = (text: string) => ({ room: "#lobby", text });
const codes = (client: RawClient) => client.forget("error").map(({ code }) => code);
const texts = (client: RawClient) => client.forget("message").map(({ text }) => text);

describe("the end, and coming back", () => {
  test("P26: a ping is answered with its own bytes", () => {
    const client = startSite("ping").enter("bea");
    client.push(encodeFrame(FRAME.ping, Uint8Array.of(0, 255, 1)));
    expect(client.take("pong").payload).toEqual(Uint8Array.of(0, 255, 1));
    client.push(encodeFrame(FRAME.pong, Uint8Array.of(7)));
    expect([client.names(), client.closed]).toEqual([[], undefined]);
  });

  test("P27: a silent client is asked after 60 s and closed 30 s later; a word is enough", () => {
    const site = startSite("idle");
    const [silent, alive] = [site.enter("bea"), site.enter("cleo")];
    site.world.run(61_000);
    expect([silent.take("ping").name, alive.take("ping").name]).toEqual(["ping", "ping"]);
    alive.send("pong", {});
    site.world.run(31_000);
    expect([codes(silent), silent.closed !== undefined]).toEqual([["IDLE_TIMEOUT"], true]);
    expect(alive.closed).toBeUndefined();
  });

  test("P28: bye ends the session at once, and the nick is free", () => {
    const site = startSite("bye");
    const [client, other] = [site.enter("bea"), site.enter("cleo")];
    client.forget();
    client.send("bye", {});
    expect([client.names(), client.closed !== undefined]).toEqual([["bye"], true]);
    expect(other.take("left").says).toMatchObject({ person: { address: "bea@paris" } });
    expect(site.greeted().login({ nick: "bea" }).name).toBe("welcome");
  });

  /** Somebody who is in, his connection cut, and another one who goes on talking. */
  function cutOff(seed: string) {
    const site = startSite(seed);
    const client = site.greeted();
    const { says } = client.login({ nick: "bea" });
    const other = site.enter("cleo");
    client.ask("join", { room: "#go" });
    other.send("say", lobby("seen"));
    client.send("ping", {});
    return { site, client, other, token: says["resume"] };
  }

  test("P29: a client's count is all whole frames but those of the connection alone", () => {
    const { client, site, token } = cutOff("count");
    client.send("part", { room: "#nowhere" }); // an error without a ref
    expect(client.names()).toEqual(["joined", "joined", "message", "pong", "error"]);
    client.hangUp();
    for (const wrong of [client.received + 1, client.received + 1000]) {
      const refused = site.greeted().login({ nick: "bea", resume: { token, received: wrong } });
      expect([wrong, refused.says["code"]]).toEqual([wrong, "RESUME_FAILED"]);
    }
  });

  test("P30: what was missed is sent again from the byte on that was not handled", () => {
    const { client, site, other, token } = cutOff("missed");
    const handled = client.received;
    client.hangUp();
    other.send("say", lobby("missed 1"));
    other.send("tell", { to: "bea@paris", text: "missed 2" });
    const back = site.greeted();
    back.received = handled;
    const welcome = back.login({ nick: "bea", resume: { token, received: handled } });
    expect(welcome.says).toMatchObject({ resumed: true, rooms: ["#lobby", "#go"] });
    expect(welcome.says["resume"]).not.toBe(token);
    expect(back.heard.map(({ says }) => says["text"])).toEqual(["missed 1", "missed 2"]);
    // And once more: the count goes on over the resume, here from the middle of what came.
    const message = back.heard[0]!.payload.length + 5;
    back.hangUp();
    const third = site.greeted();
    const resume = { token: welcome.says["resume"], received: handled + message };
    expect(third.login({ nick: "bea", resume }).says["resumed"]).toBe(true);
    expect(third.heard.map(({ says }) => says["text"])).toEqual(["missed 2"]);
  });

  test("P30: the welcome says which request was the last that came in", () => {
    const { client, site, token } = cutOff("last ref");
    client.ask("say", lobby("heard"), 4711);
    const { received } = client;
    client.hangUp();
    const back = site.greeted().login({ nick: "bea", resume: { token, received } });
    expect(back.says).toMatchObject({ resumed: true, lastRef: 4711 });
    expect(site.greeted().login({ nick: "dora" }).says).not.toHaveProperty("lastRef");
  });

  test("P30: the old token is good until the client was heard on the new connection", () => {
    const { client, site, token } = cutOff("welcome lost");
    const { received } = client;
    client.hangUp();
    const login = { nick: "bea", resume: { token, received } };
    let newer: unknown;
    for (let lost = 0; lost < 3; lost++) {
      const unheard = site.greeted();
      newer = unheard.login(login).says["resume"];
      expect(newer).toBeString();
      unheard.hangUp(); // as if its welcome had not come
    }
    const back = site.greeted();
    expect(back.login(login).says["resumed"]).toBe(true);
    back.send("pong", {});
    back.hangUp();
    const codeOf = (resume: object) => site.greeted().login({ nick: "bea", resume }).says["code"];
    expect(codeOf({ token, received })).toBe("RESUME_FAILED");
    expect(codeOf({ token: newer, received })).toBe("RESUME_FAILED");
  });

  test("P30: a resume while the old connection seems open closes that one", () => {
    const { client, site, other, token } = cutOff("half-open");
    const back = site.greeted();
    const resume = { token, received: client.received };
    expect(back.login({ nick: "bea", resume }).says["resumed"]).toBe(true);
    client.take("pong");
    expect(codes(client)).toEqual(["SESSION_REPLACED"]);
    expect(client.closed).toBeDefined();
    other.send("say", lobby("on"));
    expect(texts(back)).toEqual(["on"]);
    expect(back.closed).toBeUndefined();
  });

  test("P30: a fault in the protocol, with words in the same breath, can be resumed", () => {
    const { client, site, other, token } = cutOff("fault and back");
    const { received } = client;
    client.begin(encodeJson(FRAME.say, lobby("mine")));
    client.begin(new Uint8Array(5));
    other.begin(encodeJson(FRAME.say, lobby("theirs")));
    site.world.settle();
    expect(client.closed).toBeDefined();
    const back = site.greeted();
    const welcome = back.login({ nick: "bea", resume: { token, received } });
    expect(welcome.says["resumed"]).toBe(true);
    expect(new Set(texts(back))).toEqual(new Set(["mine", "theirs"]));
  });

  test("P31: what does not fit is RESUME_FAILED, and a login may follow", () => {
    const { client, site, token } = cutOff("unfit");
    client.hangUp();
    const back = site.greeted();
    const refusals = [
      { nick: "bea", resume: { token: "unknown", received: 0 } },
      { nick: "cleo", resume: { token, received: 0 } },
      { nick: "BEA", resume: { token, received: 0 } },
    ].map((says) => back.login(says).says["code"]);
    expect(refusals).toEqual(["RESUME_FAILED", "RESUME_FAILED", "RESUME_FAILED"]);
    expect(back.login({ nick: "dora" }).says).toMatchObject({ resumed: false, rooms: ["#lobby"] });
  });

  test("P31: after 3 minutes there is nothing to resume", () => {
    const { client, site, token } = cutOff("too late");
    client.hangUp();
    site.world.run(LIMITS.resumeMsMax + 1000);
    const back = site.greeted();
    const refused = back.login({ nick: "bea", resume: { token, received: client.received } });
    expect(refused.says["code"]).toBe("RESUME_FAILED");
    expect(back.login({ nick: "bea" }).says["resumed"]).toBe(false);
  });

  test("P31: more than 1 MiB that was missed is not kept", () => {
    const { client, site, other, token } = cutOff("too much");
    client.hangUp();
    for (let i = 0; i < 80; i++) other.send("say", lobby("x".repeat(LIMITS.textBytesMax)));
    const resume = { token, received: client.received };
    expect(site.greeted().login({ nick: "bea", resume }).says["code"]).toBe("RESUME_FAILED");
  });

  test("P32: a code that a client does not know is one that does not close", () => {
    expect(refusalOf({ code: "NEWER", text: "?" })).toEqual({ code: "INTERNAL", text: "NEWER: ?" });
  });

  test("P32: an error that closes is the last frame", () => {
    const site = startSite("last");
    const [client, other] = [site.enter("bea"), site.enter("cleo")];
    client.forget();
    other.send("say", lobby("before"));
    site.world.until(site.server.run(["kick", "bea", "spam"], { by: "console", roles: [] }));
    site.world.settle();
    other.send("say", lobby("after"));
    expect(client.heard.map(({ says }) => says["code"] ?? says["text"])).toEqual([
      "before",
      "KICKED",
    ]);
    expect(client.closed).toBeDefined();
  });
});
