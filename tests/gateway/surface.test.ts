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
function pipe(room: number) {
  let host: GatewayHost | undefined;
  let taken = "";
  let left = room;
  let ended = 0;
  const plugin = definePlugin({
    name: "gateway-pipe",
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
        since: () => undefined,
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
