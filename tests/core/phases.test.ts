// The native door, phase by phase (security B1): every type of frame in every phase has an
// expected answer, and the table here says which; nothing else may come.

import { describe, expect, test } from "bun:test";
import { encodeFrame, FRAME, type FrameName, frameName } from "../../src/protocol/frame.ts";
import { type RawClient, type Site, startSite } from "../protocol/native.ts";

const utf8 = new TextEncoder();
const transfer = "ab".repeat(16);
const sha256 = "cd".repeat(32);

/** What a request of each type, in phase "in", is answered with: "ack", or a code. */
const requests: Readonly<Record<string, readonly [says: object, answer: string]>> = {
  say: [{ room: "#lobby", text: "hi" }, "ack"],
  tell: [{ to: "nobody@paris", text: "hi" }, "NO_SUCH_NICK"],
  join: [{ room: "#go" }, "ack"],
  part: [{ room: "#lobby" }, "CANNOT_LEAVE"],
  rename: [{ nick: "bea2" }, "ack"],
  who: [{}, "ack"],
  whois: [{ address: "bea@paris" }, "ack"],
  rooms: [{}, "ack"],
  history: [{ room: "#lobby" }, "NO_HISTORY"],
  fusion: [{}, "ack"],
  command: [{ name: "kick", args: ["bea"] }, "NO_SUCH_COMMAND"],
  watch: [{ addresses: ["nobody@paris"] }, "watched ack"],
  unwatch: [{ addresses: ["nobody@paris"] }, "ack"],
  search: [{ text: "tea" }, "NO_HISTORY"],
  commands: [{}, "ack"],
  offer: [{ to: "nobody@paris", name: "a.txt", size: 1 }, "NO_SUCH_NICK"],
  accept: [{ transfer }, "NO_SUCH_TRANSFER"],
  reject: [{ transfer }, "NO_SUCH_TRANSFER"],
  cancel: [{ transfer }, "NO_SUCH_TRANSFER"],
  finish: [{ transfer, sha256 }, "NO_SUCH_TRANSFER"],
  credit: [{ transfer, upTo: 1 }, "NO_SUCH_TRANSFER"],
  done: [{ transfer, sha256 }, "NO_SUCH_TRANSFER"],
  typing: [{ to: "nobody@paris" }, "ack"],
  away: [{}, "ack"],
  read: [{ room: "#lobby", id: "x" }, "ack"],
  ignore: [{ address: "nobody@paris" }, "ack"],
  unignore: [{ address: "nobody@paris" }, "ack"],
  ignored: [{}, "ack"],
  conversation: [{ with: "zoe@paris" }, "NO_HISTORY"],
  conversations: [{}, "NO_HISTORY"],
  forget: [{ with: "zoe@paris" }, "NO_HISTORY"],
  room: [{ room: "#lobby" }, "ack"],
  set: [{ room: "#nowhere", key: "topic", value: "x" }, "NOT_IN_ROOM"],
  kick: [{ room: "#nowhere", address: "bea@paris" }, "NOT_IN_ROOM"],
};

const payloads: Readonly<Record<string, object>> = {
  hello: { version: { major: 1, minor: 0 } },
  login: { nick: "eve" },
  link: { version: { major: 1, minor: 0 }, fabric: "other/1", hello: "" },
};

/** The answer, and whether the connection is open afterwards. */
type Cell = readonly [answer: string, after: "open" | "closed"];
const OUT_OF_PHASE: Cell = ["OUT_OF_PHASE", "closed"];
const SILENCE: Cell = ["", "open"];

const phases: Readonly<Record<string, { reach(site: Site): RawClient; cell(name: string): Cell }>> =
  {
    first: {
      reach: (site) => site.connect(),
      cell(name) {
        if (name === "hello") return ["hello", "open"];
        return name === "link" ? ["FABRIC_DIFFERS", "closed"] : OUT_OF_PHASE;
      },
    },
    login: {
      reach: (site) => site.greeted(),
      cell(name) {
        if (name === "login") return ["welcome", "open"];
        return ofAnybody(name) ?? OUT_OF_PHASE;
      },
    },
    entering: {
      reach(site) {
        const client = site.greeted();
        client.send("login", { nick: "slow" });
        return client;
      },
      cell: (name) => ofAnybody(name) ?? OUT_OF_PHASE,
    },
    in: {
      reach: (site) => site.enter("bea"),
      cell(name) {
        if (name === "bye") return ["bye", "closed"];
        if (name === "chunk") return SILENCE; // of no transfer: it may have been under way
        const request = requests[name];
        if (request !== undefined) return [request[1], "open"];
        if (name.startsWith("type ")) return ["UNKNOWN_TYPE", "open"];
        return ofAnybody(name) ?? OUT_OF_PHASE;
      },
    },
    gone: {
      reach(site) {
        const client = site.enter("bea");
        client.begin(encodeFrame(FRAME.bye, utf8.encode("{}")));
        return client;
      },
      cell: () => ["bye", "closed"],
    },
  };

function ofAnybody(name: string): Cell | undefined {
  if (name === "ping") return ["pong", "open"];
  if (name === "pong") return SILENCE;
  return name === "bye" ? ["", "closed"] : undefined;
}

function payloadOf(name: string): Uint8Array {
  if (name === "chunk") return new Uint8Array(25);
  const request = requests[name];
  const says = request === undefined ? payloads[name] : { ref: 5, ...request[0] };
  return utf8.encode(JSON.stringify(says ?? {}));
}

/** What has come, in one word each; events that others cause and one's own echoes apart. */
function answers({ heard }: RawClient): string {
  const echo = new Set<FrameName>(["message", "joined", "renamed"]);
  return heard
    .filter(({ name }) => !echo.has(name as FrameName))
    .map(({ name, says }) => (name === "error" ? String(says["code"]) : name))
    .join(" ");
}

// Two types that no version knows, and two that belong to the links between servers.
const types = [...Object.values(FRAME), 0x0f, 0x99, 0x10, 0x17];

for (const [phase, { reach, cell }] of Object.entries(phases)) {
  describe(`P14: in phase ${phase}`, () => {
    for (const type of types) {
      const name = frameName(type);
      const [answer, after] = cell(name);
      test(`${name} is answered by ${answer || "nothing"}, and the connection is ${after}`, () => {
        const site = startSite(`${phase} ${name}`);
        const client = reach(site);
        client.push(encodeFrame(type, payloadOf(name)));
        expect({ answers: answers(client), open: client.closed === undefined }).toEqual({
          answers: answer,
          open: after === "open",
        });
        expect(site.world.logged.filter(({ level }) => level === "error")).toEqual([]);
        const other = site.enter("other");
        expect(other.ask("say", { room: "#lobby", text: "still here" }).name).toBe("ack");
      });
    }
  });
}

test("the table of requests names all requests and nothing else", () => {
  const inPhase = Object.keys(FRAME).filter((name) => phases["in"]!.cell(name)[1] === "open");
  const others = new Set(["ping", "pong", "chunk"]);
  expect(inPhase.filter((name) => !others.has(name))).toEqual(Object.keys(requests));
});
