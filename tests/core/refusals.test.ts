// What an operator learns of those who are sent away.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { allow, definePlugin, deny } from "../../src/plugin.ts";
import { startIrc } from "../gateway/irc.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { Place } from "./place.ts";

const auth = definePlugin({
  name: "auth-one",
  provides: ["auth"],
  setup: () => ({
    onAuth: ({ nick, credential }) => {
      if (credential.kind !== "password") return deny("log in", "NICK_REGISTERED");
      return credential.password === "right" ? allow(nick) : deny("wrong", "AUTH_FAILED");
    },
  }),
});

test("each refused login is counted, and a line of the log without nick and password", () => {
  const place = new Place("refused logins");
  const paris = place.start("paris", { plugins: [auth(), place.hub.plugin()] });
  const peer = place.connect(paris, true);
  peer.hello();
  for (let at = 0; at <= LIMITS.loginTriesPerNickMax; at++)
    peer.loginAgain({ nick: "canary-nick", password: "canary-word" });
  peer.loginAgain({ nick: "canary-nick" }); // no guess
  expect(peer.loginAgain({ nick: "bob", password: "right" }).name).toBe("welcome");
  peer.ask("rename", { nick: "eve", password: "canary-word" });
  const lines = place.world.logged.filter(({ event }) => event === "login refused");
  expect(lines.map(({ fields }) => fields?.["code"])).toEqual([
    ...Array.from({ length: LIMITS.loginTriesPerNickMax }, () => "AUTH_FAILED"),
    "RATE_LIMITED",
    "AUTH_FAILED",
  ]);
  expect(String(lines[0]?.fields?.["remote"])).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(lines[0]?.fields).toMatchObject({ door: "native" });
  expect(JSON.stringify(place.world.logged)).not.toContain("canary");
  expect(paris.server.status()).toMatchObject({ "refused.logins": lines.length });
});

test("so is each connection that comes to nothing", () => {
  const place = new Place("refused connections");
  const paris = place.start("paris");
  place.connect(paris);
  place.rest(LIMITS.handshakeMsMax + 1000);
  place.connect(paris).send("say", { room: "#lobby", text: "early" });
  place.rest(1000);
  const left = place.connect(paris);
  place.rest(1000);
  left.close();
  place.rest(1000);
  const lines = place.world.logged.filter(({ event }) => event === "connection refused");
  const codes = lines.map(({ fields }) => fields?.["code"]);
  expect(codes).toEqual(["HANDSHAKE_TIMEOUT", "OUT_OF_PHASE"]);
  expect(paris.server.status()).toMatchObject({ "refused.connections": 2 });
  place.stop(paris);
});

test("and of a gateway's, by whichever mechanism", async () => {
  const scramIterations = LIMITS.scramIterationsMin;
  await using server = await startIrc({ plugins: [authSqlite({ scramIterations })] });
  await server.run("user-add", "ann", "secret");
  const peer = await server.stranger();
  peer.send("PASS canary", "NICK ann", "USER a * * :a");
  await peer.until((line) => line.startsWith(":paris 464 "));
  const [line] = server.logged.filter(({ event }) => event === "login refused");
  expect(line?.fields).toMatchObject({ code: "AUTH_FAILED", door: "gateway-irc" });
  expect(server.status()["refused.logins"]).toBe(1);
});
