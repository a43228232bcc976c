// Corners of the gateway's surface that the line protocol over sockets does not touch: a transport
// of the gateway's own, a fence behind the log, and a second login on one connection.

import { expect, test } from "bun:test";
import {
  allow,
  definePlugin,
  type Entry,
  isFailure,
  type Format,
  type GatewayHost,
} from "../../src/plugin.ts";
import { inWorld } from "./stage.ts";

const lines: Format = {
  echo: true,
  encode: (event) => (event.type === "message" ? `${event.message.text}\n` : ""),
};

const ignore: Entry["personal"] = () => {};

/** A gateway whose transport takes `room` bytes at a time into memory. */
function pipe(room: number, name = "gateway-pipe") {
  let host: GatewayHost | undefined;
  let taken = "";
  let left = room;
  let ended = 0;
  const plugin = definePlugin({
    name,
    provides: ["gateway"],
    setup(context) {
      host = context.host;
      return { gateway: { open: () => [], close() {} } };
    },
  })();
  const adopt = () => {
    const { connection, writable, closed } = host!.adopt(
      {
        remote: "pipe:1",
        secure: true,
        write(bytes, from, to) {
          const count = Math.min(left, to - from);
          left -= count;
          taken += new TextDecoder().decode(bytes.subarray(from, from + count));
          return count;
        },
        pause() {},
        resume() {},
        end: () => void (ended += 1),
      },
      () => {},
    );
    return { connection, writable, closed };
  };
  return {
    plugin,
    adopt,
    enter: (nick: string, connection: ReturnType<typeof adopt>["connection"], personal = ignore) =>
      host!.enter({ nick, credential: { kind: "none" }, connection, format: lines, personal }),
    get host() {
      return host!;
    },
    get taken() {
      return taken;
    },
    get ended() {
      return ended;
    },
    refill: () => (left = room),
  };
}

test("a transport of the gateway's own takes what it can, and gets the rest later", async () => {
  const made = pipe(10);
  await using stage = await inWorld([made.plugin]);
  const { connection, writable, closed } = made.adopt();
  const session = await stage.done(made.enter("ann", connection));
  if (isFailure(session)) throw new Error(session.text);
  const ben = await stage.line("ben");
  session.request("say", { room: "#lobby", text: "hello hello hello" });
  await ben.until(() => ben.said.length === 1);
  expect(made.taken).toBe("hello hell");
  made.refill();
  writable();
  expect(made.taken).toBe("hello hello hello\n");
  closed();
  await ben.until((all) => all.some((line) => line.startsWith("LEFT #lobby ann@paris")));
});

test("what is kept for an account is told by a gateway, and stays where that fails", async () => {
  const made = pipe(1000);
  const accounts = definePlugin({
    name: "auth-accounts",
    provides: ["auth"],
    setup: () => ({ onAuth: ({ nick }) => allow(nick), accountOf: (nick) => nick }),
  });
  await using stage = await inWorld([made.plugin, accounts()]);
  const ben = await stage.line("ben");
  ben.send("TELL ann@paris hi");
  stage.world?.run(1000);
  expect(stage.server.status()["mail"]).toBe(1);
  const fault = await stage.done(
    made.enter("ann", made.adopt().connection, () => {
      throw new Error("a bug of the gateway");
    }),
  );
  stage.world?.run(1000);
  expect([isFailure(fault), stage.server.status()["mail"]]).toEqual([false, 1]);
  const told: string[] = [];
  const { connection } = made.adopt();
  const enter = made.enter("ann", connection, (event) => {
    if (event.type === "private") told.push(`${event.message.from}: ${event.message.text}`);
  });
  await stage.done(enter);
  stage.world?.run(1000);
  expect([...told, stage.server.status()["mail"]]).toEqual(["ben@paris: hi", 0]);
});

test("one connection has one session", async () => {
  const made = pipe(1000);
  await using stage = await inWorld([made.plugin]);
  const { connection } = made.adopt();
  const both = Promise.all([made.enter("ann", connection), made.enter("ben", connection)]);
  const [first, second] = await stage.done(both);
  expect(isFailure(first)).toBe(false);
  expect(second).toMatchObject({ code: "OUT_OF_PHASE" });
  expect(await stage.done(made.enter("cleo", connection))).toMatchObject({ code: "OUT_OF_PHASE" });
});

test("a fence is behind the log: what was said before it is durable", async () => {
  const commits: (() => void)[] = [];
  const made = pipe(1000);
  const slowLog = definePlugin({
    name: "log-slow",
    provides: ["history"],
    setup: () => ({
      history: {
        streams: () => [],
        append: () => new Promise<void>((resolve) => commits.push(resolve)),
        range: () => [],
        backlog: () => Promise.reject(new Error("a disk that is gone")),
        onward: () => [],
        since: () => undefined,
        search: () => ({ messages: [] }),
        redact() {},
      },
    }),
  })();
  await using stage = await inWorld([made.plugin, slowLog]);
  const session = await stage.done(made.enter("ann", made.adopt().connection));
  if (isFailure(session)) throw new Error(session.text);
  const order: string[] = [];
  session.request("say", { room: "#lobby", text: "one" });
  session.after(() => order.push("fence"));
  session.request("say", { room: "#lobby", text: "two" }, () => order.push("two is logged"));
  // Nobody waits for this answer, and its failure is nobody's fault but the log's.
  session.request("history", { room: "#lobby" });
  stage.world?.run(100);
  expect(made.taken).toBe("one\ntwo\n"); // deliveries don't wait
  expect(order).toEqual([]);
  for (const commit of commits.splice(0)) commit();
  stage.world?.run(100);
  expect(order).toEqual(["fence", "two is logged"]);
});

test("an answer in its place stands between what was said before and behind it", async () => {
  const [anns, bens] = [pipe(10_000), pipe(10_000, "gateway-of-ben")];
  await using stage = await inWorld([anns.plugin, bens.plugin]);
  const ann = await stage.done(anns.enter("ann", anns.adopt().connection));
  const ben = await stage.done(bens.enter("ben", bens.adopt().connection));
  if (isFailure(ann) || isFailure(ben)) throw new Error("both may enter");
  const say = (text: string) => ben.request("say", { room: "#lobby", text });
  const here = (inPlace: boolean) =>
    ann.request("who", { room: "#lobby" }, () => ann.send(`who ${inPlace}\n`), inPlace);
  say("one");
  here(true);
  say("two");
  here(false);
  here(true);
  say("three");
  stage.world?.run(100);
  expect(anns.taken).toBe("one\nwho true\ntwo\nwho true\nthree\nwho false\n");
  expect(bens.taken).toBe("one\ntwo\nthree\n");
});

test("a quiet request is answered where something did not go as it was to", async () => {
  const made = pipe(10_000);
  const accounts = definePlugin({
    name: "auth-accounts",
    provides: ["auth"],
    setup: () => ({
      onAuth: ({ nick }) => (nick === "cleo" ? allow(nick) : allow()),
      accountOf: (nick) => (nick === "cleo" ? nick : undefined),
    }),
  });
  await using stage = await inWorld([accounts(), made.plugin]);
  const ann = await stage.done(made.enter("ann", made.adopt().connection));
  const ben = await stage.done(made.enter("ben", made.adopt().connection));
  if (isFailure(ann) || isFailure(ben)) throw new Error("both may enter");
  const told: string[] = [];
  const tell = (to: string) =>
    ann.request(
      "tell",
      { to, text: "hi" },
      (answer) => told.push(isFailure(answer) ? answer.code : `${answer.outcome} ${answer.away}`),
      false,
      true,
    );
  const say = (room: string) =>
    ann.request(
      "say",
      { room, text: "hi" },
      (answer) => told.push(isFailure(answer) ? answer.code : "said"),
      false,
      true,
    );
  tell("ben@paris");
  say("#lobby");
  stage.world?.run(100);
  expect([told, made.taken]).toEqual([[], "hi\nhi\n"]);
  tell("nobody@paris");
  say("#tea");
  tell("cleo@paris");
  stage.world?.run(100);
  expect(told.toSorted()).toEqual(["NOT_IN_ROOM", "NO_SUCH_NICK", "stored undefined"]);
  ben.request("away", { text: "out" });
  tell("ben@paris");
  stage.world?.run(100);
  expect(told.at(-1)).toBe("delivered out");
});

test("what is sent apart waits for no room, and stands behind what was sent before", async () => {
  const made = pipe(10_000);
  await using stage = await inWorld([made.plugin]);
  const ann = await stage.done(made.enter("ann", made.adopt().connection));
  if (isFailure(ann)) throw new Error(ann.text);
  // Two messages at a time: from then on the room rests between its flushes.
  for (const text of ["one", "two"]) ann.request("say", { room: "#lobby", text });
  stage.world?.run(1);
  ann.request("say", { room: "#lobby", text: "three" });
  ann.send("apart\n", true);
  stage.world?.run(0);
  expect(made.taken).toBe("one\ntwo\napart\n");
  stage.world?.run(100);
  expect(made.taken).toBe("one\ntwo\napart\nthree\n");
  ann.request("say", { room: "#lobby", text: "four" });
  ann.send("mine\n");
  ann.send("apart\n", true);
  stage.world?.run(100);
  expect(made.taken).toEndWith("four\nmine\napart\n");
});

test("who leaves a room at once has all that was said, and the answer in its place", async () => {
  const made = pipe(10_000);
  await using stage = await inWorld([made.plugin]);
  const ann = await stage.done(made.enter("ann", made.adopt().connection));
  if (isFailure(ann)) throw new Error(ann.text);
  const say = (text: string) => ann.request("say", { room: "#tea", text });
  const look = () => ann.request("who", { room: "#tea" }, () => ann.send("members\n"), true);
  ann.request("join", { room: "#tea" });
  say("one");
  look();
  say("two");
  ann.request("part", { room: "#tea" });
  stage.world?.run(100);
  expect(made.taken).toBe("one\nmembers\ntwo\n");
  ann.request("join", { room: "#tea" });
  say("three");
  look();
  say("four");
  ann.close("gone");
  stage.world?.run(100);
  expect(made.taken).toBe("one\nmembers\ntwo\nthree\nfour\n");
});

test("an account can be proven apart from entering, by a stranger and by a session", async () => {
  const made = pipe(1000);
  const accounts = definePlugin({
    name: "auth-accounts",
    provides: ["auth"],
    setup: () => ({
      onAuth: ({ nick, credential }) =>
        credential.kind === "none" ? allow() : allow(nick, ["keeper"]),
    }),
  });
  await using stage = await inWorld([made.plugin, accounts()]);
  const { connection } = made.adopt();
  const credential = { kind: "password", password: "secret" } as const;
  const guest = { kind: "none" } as const;
  const prove = (nick: string, by: typeof credential | typeof guest) =>
    stage.done(made.host.authenticate({ nick, credential: by, connection }));
  expect(await prove("ann", guest)).toMatchObject({ code: "AUTH_FAILED" });
  expect(await prove("a b", credential)).toMatchObject({ code: "NICK_INVALID" });
  const proof = await prove("ann", credential);
  expect(proof).toEqual({ account: "ann", roles: ["keeper"] });
  if (isFailure(proof)) throw new Error(proof.text);
  const session = await stage.done(made.enter("zoe", connection));
  if (isFailure(session)) throw new Error(session.text);
  expect(session.person).toMatchObject({ nick: "zoe", account: undefined, roles: [] });
  expect(made.host.identify(session, { ...proof })).toMatchObject({ code: "AUTH_FAILED" });
  expect(made.host.identify(session, proof)).toBeUndefined();
  expect(session.person).toMatchObject({ nick: "zoe", account: "ann", roles: ["keeper"] });
  session.close("done");
  expect(made.host.identify(session, proof)).toMatchObject({ code: "CANNOT_CONNECT" });
});

test("a proof is none any more when its account was revoked or banned since", async () => {
  const made = pipe(1000);
  let revoke: ((account: string) => void) | undefined;
  const accounts = definePlugin({
    name: "auth-accounts",
    provides: ["auth"],
    setup({ host }) {
      revoke = (account) => host.revoked(account);
      return {
        onAuth: ({ nick, credential }) => (credential.kind === "none" ? allow() : allow(nick)),
      };
    },
  });
  await using stage = await inWorld([made.plugin, accounts()]);
  const prove = async (nick: string) => {
    const { connection } = made.adopt();
    const credential = { kind: "password", password: "secret" } as const;
    const proof = await stage.done(made.host.authenticate({ nick, credential, connection }));
    if (isFailure(proof)) throw new Error(proof.text);
    const enter = (as: string) =>
      stage.done(
        made.host.enter({
          nick: as,
          credential: { kind: "none" },
          proof,
          connection,
          format: lines,
          personal: ignore,
        }),
      );
    return { proof, enter };
  };
  const [ann, ben] = [await prove("ann"), await prove("ben")];
  const guest = await stage.done(made.enter("gus", made.adopt().connection));
  if (isFailure(guest)) throw new Error(guest.text);
  revoke?.("ann");
  expect(await ann.enter("ann")).toMatchObject({ code: "AUTH_FAILED" });
  expect(await ann.enter("zoe")).toMatchObject({ code: "AUTH_FAILED" });
  expect(made.host.identify(guest, ann.proof)).toMatchObject({ code: "AUTH_FAILED" });
  await stage.done(stage.server.run(["ban", "ben@paris"], { by: "console", roles: [] }));
  expect(await ben.enter("ben")).toMatchObject({ code: "BANNED" });
  expect(await ben.enter("zoe")).toMatchObject({ code: "BANNED" });
  expect(made.host.identify(guest, ben.proof)).toMatchObject({ code: "BANNED" });
  const later = await prove("ann");
  expect(isFailure(await later.enter("ann"))).toBe(false);
});
