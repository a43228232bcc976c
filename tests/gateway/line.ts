// A toy line protocol, written as a third party would: with "chatfusion" as its only import beside
// valibot. What a gateway of a real protocol needs is here in short: a door, lines in, formats out,
// personal events, a fence, and a last word. Read on at `gatewayLine`.
//
//   NICK nick [password]   TELL nick@server text   SAY #room text   ME #room text
//   JOIN #room   PART #room   WHO [#room]   PING token   CAP time|plain   RENAME nick   QUIT
//   BUG format|answer|line (what a gateway should not do)

import type {
  Bytes,
  Connection,
  ConnectionHandlers,
  Credential,
  Failure,
  Format,
  GatewayHost,
  PersonalEvent,
  RoomEvent,
  Session,
} from "chatfusion";
import { definePlugin, isFailure, LIMITS } from "chatfusion";
import * as v from "valibot";

export const gatewayLine = definePlugin({
  name: "gateway-line",
  provides: ["gateway"],
  options: v.strictObject({ port: v.number(), tls: v.boolean() }),
  setup({ host, options, metrics }) {
    // Made once: sessions that hold the same object share one encoding.
    const formats = {
      plain: formatOf({ time: false, encoded: metrics.counter("plain", "events encoded") }),
      timed: formatOf({ time: true, encoded: metrics.counter("timed", "events encoded") }),
      broken: { echo: true, encode: () => bug() },
    };
    return {
      gateway: {
        async open() {
          const taken = await host.listen(options, (connection) =>
            visit(host, formats, connection),
          );
          return [`line :${taken}`];
        },
        close() {},
      },
    };
  },
});

// --- internal ---

type Formats = Readonly<Record<"plain" | "timed" | "broken", Format>>;

/** What a gateway should never do; here it shows who suffers. */
function bug(): never {
  throw new Error("a bug of the gateway");
}

/** Those without the time are not sent their own messages, like IRC's without echo-message. */
function formatOf(how: { readonly time: boolean; readonly encoded: () => void }): Format {
  return {
    echo: how.time,
    encode(event) {
      how.encoded();
      const line = lineOf(event);
      if (line === "") return "";
      const at = how.time && event.type === "message" ? `@${event.message.at} ` : "";
      return `${at}${line}\n`;
    },
  };
}

function lineOf(event: RoomEvent): string {
  switch (event.type) {
    case "message":
      return `SAID ${event.message.room} ${event.message.from} ${flat(event.message.text)}`;
    case "joined":
      return `JOINED ${event.room} ${event.person.address}`;
    case "left":
      return `LEFT ${event.room} ${event.person.address} ${flat(event.reason ?? "")}`;
    case "renamed":
      return `RENAMED ${event.was.address} ${event.person.address}`;
    case "gap":
      return `GAP ${event.room} ${event.missing}`;
    case "count":
      return `COUNT ${event.room} ${event.members}`;
    case "merged":
    case "split":
      return `FUSION ${event.fusion.join(" ")}`;
    default:
      return ""; // of a newer version
  }
}

function personalLine(event: PersonalEvent): string {
  switch (event.type) {
    case "private":
      return `TOLD ${event.message.from} ${flat(event.message.text)}\n`;
    case "told":
      return `ENDED ${event.to} ${event.outcome ?? event.code}\n`;
    case "watched":
      return `WATCHED ${event.address} ${event.online ? "online" : "offline"}\n`;
    case "notice":
      return `NOTICE ${flat(event.text)}\n`;
    case "offered":
      return `OFFERED ${event.offer.from} ${event.offer.transfer} ${event.offer.name}\n`;
    default:
      return ""; // files are not for this door
  }
}

const flat = (text: string): string => text.replaceAll(/[\r\n]/g, " ");
const refused = (failed: Failure): string => `ERR ${failed.code} ${flat(failed.text)}\n`;

/** One connection: a stranger, then a session. Lines that come while it enters wait, bounded. */
function visit(host: GatewayHost, formats: Formats, connection: Connection): ConnectionHandlers {
  let phase: "stranger" | "entering" | "leaving" | Session = "stranger";
  let early: string[] = [];

  const enter = async (nick: string, password: string | undefined): Promise<void> => {
    phase = "entering";
    connection.pause(); // one more chunk may still come
    const credential: Credential =
      password === undefined ? { kind: "none" } : { kind: "password", password };
    const entered = await host.enter({
      nick,
      credential,
      connection,
      format: formats.plain,
      personal(event) {
        if (typeof phase === "object") phase.send(personalLine(event));
      },
      farewell: refused,
    });
    if (isFailure(entered)) {
      phase = "stranger";
      connection.send(refused(entered));
    } else {
      phase = entered;
      entered.send(`WELCOME ${entered.person.nick}@${entered.person.server}\n`);
    }
    connection.resume();
    const lines = early;
    early = [];
    for (const one of lines) line(one);
  };
  const line = (text: string): void => {
    if (phase === "leaving") return;
    if (phase === "entering") return void early.push(text);
    if (phase !== "stranger" && text === "QUIT") {
      const session = phase;
      phase = "leaving";
      return session.after(() => session.close("quit"));
    }
    if (phase !== "stranger") return obey(phase, formats, text);
    const [, nick, password] = /^NICK (\S+)(?: (\S+))?$/.exec(text) ?? [];
    if (nick === undefined) return void connection.send("ERR OUT_OF_PHASE NICK comes first\n");
    enter(nick, password).catch((thrown: unknown) => connection.close(String(thrown)));
  };
  return { data: lineReader(line), closed() {} };
}

/** Does what one line asks. */
function obey(session: Session, formats: Formats, text: string): void {
  const [verb = "", first = "", ...words] = text.split(" ");
  const rest = words.join(" ");
  const answered = (answer: unknown): void => {
    if (isFailure(answer)) session.send(refused(answer));
  };
  if (verb === "SAY") session.request("say", { room: first, text: rest }, answered);
  else if (verb === "ME")
    session.request("say", { room: first, text: rest, kind: "action" }, answered);
  else if (verb === "TELL") session.request("tell", { to: first, text: rest }, answered);
  else if (verb === "JOIN") session.request("join", { room: first }, answered);
  else if (verb === "PART") session.request("part", { room: first }, answered);
  else if (verb === "RENAME") session.request("rename", { nick: first }, answered);
  else if (verb === "WHO") {
    session.request("who", first === "" ? {} : { room: first }, (answer) => {
      if (isFailure(answer)) return answered(answer);
      const people = answer.people.map(({ address }) => address);
      session.send(`WHO ${people.toSorted().join(" ")}\n`);
    });
  } else if (verb === "RUN")
    session.request("command", { name: first, args: words }, (answer) => {
      session.send(isFailure(answer) ? refused(answer) : `DONE ${flat(answer.text)}\n`);
    });
  else if (verb === "COMMANDS")
    session.request("commands", {}, (answer) => {
      if (isFailure(answer)) return answered(answer);
      session.send(`COMMANDS ${answer.commands.map(({ name }) => name).join(" ")}\n`);
    });
  else if (verb === "PING") session.after(() => session.send(`PONG ${first}\n`));
  else if (verb === "CAP") session.format = first === "time" ? formats.timed : formats.plain;
  else if (verb === "BUG" && first === "format") session.format = formats.broken;
  else if (verb === "BUG" && first === "line") bug();
  else if (verb === "BUG") session.after(bug);
  else session.send(`ERR UNKNOWN_TYPE ${flat(verb)} is no command\n`);
}

/** Cuts chunks into lines. Throws for one that is too long: the connection is closed. */
function lineReader(take: (line: string) => void): (chunk: Bytes) => void {
  const decoder = new TextDecoder();
  let rest = "";
  return (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const one of lines) take(one);
    if (rest.length > LIMITS.lineBytesMax) throw new Error("a line without an end");
  };
}
