// Which message `^` means while lines that were typed before have no answer yet.

import { expect, test } from "bun:test";
import { definePlugin, drop } from "../../../src/plugin.ts";
import { createSimulation, logStore } from "../../../src/testing.ts";
import { chatterOf } from "./chatters.ts";

const calm = definePlugin({
  name: "calm",
  setup: () => ({
    onMessage: ({ text }) => (text.includes("!") ? drop("no shouting") : undefined),
  }),
});

/** Lines that are typed while there is no server are answered when there is one again. */
function typing(isSeen = false) {
  const simulation = createSimulation({ seed: 1, plugins: [logStore(), calm()] });
  simulation.start("paris");
  simulation.enter("bob@paris");
  const { chatter, shown } = chatterOf(simulation.enter("ann@paris").client, isSeen);
  let ref = 0;
  const type = (...lines: readonly string[]) => {
    const answered = Promise.all(lines.map((line) => chatter.line(line, ++ref)));
    return () => simulation.world.until(answered);
  };
  const typeInVain = (...lines: readonly string[]) => {
    simulation.crash("paris");
    const answered = type(...lines);
    simulation.world.run(1000);
    simulation.start("paris");
    answered();
  };
  const idOf = (text: string): string => {
    const said = shown.find((one) => one.event === "message" && one.text === text);
    return said?.event === "message" ? said.id : `"${text}" was not shown`;
  };
  const answerOf = (number: number) => shown.find((one) => "ref" in one && one.ref === number);
  return { type, typeInVain, idOf, answerOf };
}

test("the last line that was typed, which waits for the connection, and not the one before", () => {
  const { type, typeInVain, idOf, answerOf } = typing();
  type("keep me")();
  typeInVain("oops a typo", "/delete ^", "and more");
  expect(answerOf(3)).toMatchObject({ event: "ack", about: idOf("oops a typo") });
});

test("of lines that wait, ^2 is the one before the last, and a deleted one counts no more", () => {
  const { type, typeInVain, idOf, answerOf } = typing();
  type("one")();
  typeInVain("two", "three", "/edit ^2 zwei", "/delete ^", "/edit ^ deux");
  const [two, three] = ["two", "three"].map(idOf);
  const meant = [two, three, two].map((about) => ({ event: "ack", about }));
  expect([4, 5, 6].map(answerOf)).toMatchObject(meant);
});

test("a line behind a private message, which waits; and one's own name means the same", () => {
  const { type, typeInVain, idOf, answerOf } = typing();
  type("/msg bob psst")();
  typeInVain("hello", "/edit ^ hello you", "/delete ann sorry");
  const about = idOf("hello");
  expect([3, 4].map(answerOf)).toMatchObject([
    { event: "ack", about },
    { event: "ack", about },
  ]);
});

test("nothing where the line that is meant was refused, and the one before stays", () => {
  const { type, typeInVain, answerOf } = typing(true);
  type("keep me")();
  typeInVain("OOPS!", "/delete ^");
  const text = 'message ^: "OOPS!" before it was refused, so nothing is done';
  expect(answerOf(3)).toMatchObject({ event: "error", code: "NO_SUCH_MESSAGE", text });
  // Of what was to be said the error has the line: others may stand between.
  expect(answerOf(2)).toMatchObject({ event: "error", line: "OOPS!" });
});

test("what a refused line would have been is known to whoever has seen that it was refused", () => {
  for (const [isSeen, event] of [
    [true, "ack"],
    [false, "error"],
  ] as const) {
    const { type, answerOf } = typing(isSeen);
    type("keep me")();
    type("OOPS!")();
    type("/edit ^ keep me please")();
    expect(answerOf(3)).toMatchObject({ event });
  }
});

test("on a pipe each refused line keeps its place between the others", () => {
  const { type, idOf, answerOf } = typing();
  type("one", "OOPS!", "two", "/nonsense!", "/react ^ x", "three")();
  type("/edit ^ 3", "/edit ^2 2", "/edit ^3 1", "/delete ^4")();
  expect(answerOf(7)).toMatchObject({ event: "ack", about: idOf("three") });
  for (const ref of [8, 9, 10]) expect(answerOf(ref)).toMatchObject({ code: "NO_SUCH_MESSAGE" });
});

test("the last one of a room that a line pins is the one that was typed before it", () => {
  const { type, idOf, answerOf } = typing();
  type("/join #tea", "/say #tea first")();
  type("/say #tea second", "/pin #tea ^", "/say #tea third", "/pin #tea ann")();
  // A guest may pin nothing, but is told what it was.
  const refused = [4, 6].map((ref) => JSON.stringify(answerOf(ref)));
  expect(refused[0]).toContain(`pin ${idOf("second")} is not`);
  expect(refused[1]).toContain(`pin ${idOf("third")} is not`);
});
