// A chat without a terminal, in a simulated world: what a line is answered, and what is told later.

import { expect, test } from "bun:test";
import { connect } from "../../../src/client.ts";
import { LIMITS } from "../../../src/limits.ts";
import { Place } from "../../core/place.ts";
import { chatterOf } from "./chatters.ts";

test("how a message ended after all is told with the number of its line", () => {
  const place = new Place("chatter");
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  place.enter(lyon, "bob");
  place.join(paris, lyon);
  const { net, clock } = place.world.environment("desk");
  const server = { host: "paris", port: 7331 };
  const client = place.world.until(connect({ nick: "ann", server, net, clock, tls: false }));
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

test("a private message is answered and reacted to by its author's name", () => {
  const place = new Place("private answers");
  const paris = place.start("paris");
  const bob = place.enter(paris, "bob");
  const { net, clock } = place.world.environment("desk");
  const server = { host: "paris", port: 7331 };
  const client = place.world.until(connect({ nick: "ann", server, net, clock, tls: false }));
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
