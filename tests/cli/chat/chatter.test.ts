// A chat without a terminal, in a simulated world: what a line is answered, and what is told later.

import { expect, test } from "bun:test";
import logSqlite from "../../../plugins/log-sqlite.ts";
import { LIMITS } from "../../../src/limits.ts";
import { allow, definePlugin } from "../../../src/plugin.ts";
import { startServer } from "../../../src/testing.ts";
import { town } from "../../client/town.ts";
import { Place } from "../../core/place.ts";
import { chatterOf, enter } from "./chatters.ts";

test("how a message ended after all is told with the number of its line", () => {
  const place = new Place("chatter");
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  place.enter(lyon, "bob");
  place.join(paris, lyon);
  const client = enter(place, "ann", "paris");
  const { chatter, shown } = chatterOf(client);
  place.hub.fate = ({ traffic }) => (traffic === "private" ? "lose" : "pass");
  const answered = Promise.all([
    chatter.line("/msg bob@lyon hi", 7),
    chatter.line("/msg cat@lyon hi", 8),
  ]);
  place.rest(LIMITS.unconfirmedMsMax + 1000);
  place.world.until(answered);
  place.hub.fate = () => "pass";
  place.rest();
  expect(shown.filter(({ event }) => event === "error" || event === "told")).toMatchObject([
    { event: "error", ref: 7, code: "UNCONFIRMED" },
    { event: "error", ref: 8, code: "UNCONFIRMED" },
    { event: "told", ref: 7, to: "bob@lyon", outcome: "delivered" },
    { event: "told", ref: 8, to: "cat@lyon", code: "NO_SUCH_NICK" },
  ]);
});

test("who is nobody here, but somebody elsewhere, is told of in the refusal", () => {
  const place = new Place("namesakes");
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  place.enter(lyon, "Bob");
  place.join(paris, lyon);
  const client = enter(place, "ann", "paris");
  const { chatter, shown } = chatterOf(client);
  const lines = ["/msg bob hi", "/whois bob", "/msg bob@paris hi", "/whois eve"];
  for (const [at, line] of lines.entries()) place.world.until(chatter.line(line, at + 1));
  const errors = shown.filter(({ event }) => event === "error");
  const meant = " (did you mean Bob@lyon?)";
  const is = (nick: string) => `${nick}@paris: nobody is there under this nick`;
  expect(errors).toMatchObject([
    ...[1, 2, 3].map(() => ({ code: "NO_SUCH_NICK", text: `${is("bob")}${meant}` })),
    { code: "NO_SUCH_NICK", text: is("eve") },
  ]);
});

test("a nick alone is nobody's elsewhere, also where it need be nobody's here", () => {
  const place = new Place("meant");
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  place.enter(lyon, "Bob");
  place.join(paris, lyon);
  const client = enter(place, "ann", "paris");
  const { chatter, shown } = chatterOf(client);
  const answers = (line: string) => {
    const before = shown.length;
    place.world.until(chatter.line(line, before));
    return shown.slice(before).filter(({ event }) => event === "ack" || event === "error");
  };
  const text = "bob@paris: nobody is there under this nick (did you mean Bob@lyon?)";
  for (const line of ["/ignore bob", "/watch bob"])
    expect(answers(line)).toMatchObject([{ event: "error", code: "NO_SUCH_NICK", text }]);
  expect(answers("/ignore bob@paris")).toMatchObject([{ event: "ack", address: "bob@paris" }]);
  expect(answers("/watch eve")).toMatchObject([{ event: "ack", addresses: ["eve@paris"] }]);
});

test("of one who has gone it is known in each room that it is from all of them", () => {
  const place = new Place("gone");
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  place.join(paris, lyon);
  const client = enter(place, "ann", "paris");
  const { chatter, shown } = chatterOf(client);
  place.world.until(chatter.line("/join #tea", 1));
  const bob = place.enter(lyon, "bob");
  bob.get("join", { room: "#tea" });
  place.rest(500);
  bob.send("bye");
  place.rest(500);
  const gone = { event: "presence", who: "bob@lyon", gone: true };
  expect(shown.slice(-2)).toMatchObject([
    { ...gone, now: "left", room: "#tea" },
    { ...gone, now: "offline", room: "#lobby" },
  ]);
});

test("who leaves while the connection is lost is told what may not have been sent", () => {
  const place = new Place("left");
  const paris = place.start("paris");
  const client = enter(place, "ann", "paris");
  const { chatter, shown } = chatterOf(client);
  place.stop(paris);
  place.rest();
  const answered = chatter.line("I am late", 1);
  place.rest();
  place.world.until(client.close());
  place.world.until(answered);
  const text = '"I am late" may not have been sent: the client was closed';
  expect(shown.at(-1)).toEqual({ event: "error", ref: 1, code: "CANNOT_CONNECT", text });
});

test("who is not let in again is told which lines waited, and why they are lost", () => {
  const { simulation, passwords, restart } = town();
  const { chatter, shown } = chatterOf(simulation.enter("ann@paris").client);
  simulation.world.until(chatter.line("/register my-secret", 1));
  passwords.set("ann", "another");
  simulation.crash("paris");
  simulation.world.run(1000);
  const answered = Promise.all([chatter.line("am I in?", 2), chatter.line("/msg bob hi", 3)]);
  restart();
  simulation.world.until(answered);
  expect(shown.filter(({ event }) => event === "error")).toMatchObject([
    { ref: 2, code: "AUTH_FAILED", text: '"am I in?" may not have been sent: wrong' },
    { ref: 3, code: "AUTH_FAILED", text: '"/msg bob hi" may not have been sent: wrong' },
  ]);
});

test("a private message is answered and reacted to by its author's name", () => {
  const place = new Place("private answers");
  const paris = place.start("paris");
  const bob = place.enter(paris, "bob");
  const client = enter(place, "ann", "paris");
  const { chatter, shown } = chatterOf(client);
  const { id } = bob.get("tell", { to: "ann@paris", text: "tea?" });
  place.world.until(chatter.line("/reply bob yes", 1));
  place.world.until(chatter.line("/react bob 👍", 2));
  place.rest();
  expect(bob.all("private")).toMatchObject([
    { kind: "text", text: "yes", about: id },
    { kind: "reaction", text: "👍", about: id },
  ]);
  bob.get("tell", {
    to: "ann@paris",
    kind: "reaction",
    text: "😀",
    about: bob.all("private")[0]?.["id"],
  });
  place.rest();
  const of = { from: "bob@paris", text: "tea?" };
  expect(shown.filter(({ event }) => event === "ack" || event === "private")).toMatchObject([
    { event: "private", text: "tea?" },
    { event: "ack", ref: 1, to: "bob@paris", about: id, of },
    { event: "ack", ref: 2, kind: "reaction", about: id, of },
    { event: "private", kind: "reaction", of: { from: "ann@paris", text: "yes" } },
  ]);
});

test("what is kept of a conversation is shown, found, deleted and forgotten", async () => {
  const auth = definePlugin({
    name: "auth-nick",
    provides: ["auth"],
    setup: () => ({ accountOf: (nick: string) => nick, onAuth: ({ nick }) => allow(nick) }),
  })();
  const plugins = [auth, logSqlite({ conversations: true })];
  await using server = await startServer({ name: "paris", plugins });
  const [zoe, bob] = [await server.connect("zoe"), await server.connect("bob")];
  const { chatter, shown } = chatterOf(zoe);
  const deleted = new Promise<string>((resolve) =>
    bob.on((event) => {
      if (event.type === "private" && event.message.kind === "delete") resolve(event.message.text);
    }),
  );
  const run = async (line: string) => {
    const before = shown.length;
    await chatter.line(line, before + 1);
    return shown.slice(before).findLast((one) => "ref" in one);
  };
  await run("/msg bob tea?");
  await bob.tell("zoe@paris", "no tea");
  await run("/msg bob oops");
  expect(await run("/delete ^ wrong window")).toMatchObject({ kind: "delete", to: "bob@paris" });
  expect(await deleted).toBe("wrong window");
  const texts = [{ text: "tea?" }, { text: "no tea" }];
  expect(await run("/history bob@paris")).toMatchObject({ messages: texts });
  const found = { event: "conversation", messages: texts.slice(1), text: "NO" };
  expect(await run("/search NO in:bob@paris")).toMatchObject(found);
  expect(await run("/conversations")).toMatchObject({ conversations: [{ with: "bob@paris" }] });
  expect(await run("/forget bob bob")).toMatchObject({ event: "forgotten", messages: 1 });
  expect(await run("/forget bob")).toMatchObject({ event: "forgotten", messages: 1 });
  expect(await run("/history bob@paris")).toMatchObject({ messages: [] });
  expect(await run("/delete ^")).toMatchObject({ event: "error", code: "NO_SUCH_MESSAGE" });
});
