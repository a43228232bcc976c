// A gateway written with the public surface alone, and its people beside native clients: the same
// rights, one order, one encoding per message and format. On real sockets and in a simulated world.

import { describe, expect, test } from "bun:test";
import { STAGES } from "./stage.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe.each(STAGES)("%s", (_where, open) => {
  test("people of both doors meet in the same rooms, with the same rights", async () => {
    await using stage = await open();
    const ann = await stage.line("ann");
    const ben = await stage.native("ben");
    ann.send("JOIN #tea");
    await ann.fence();
    await stage.done(ben.client.join("#TEA"));
    expect(ann.lines).toContain("JOINED #tea ben@paris");
    ann.send("SAY #tea hello ben");
    await ben.untilSaid("hello ben");
    await ben.say("#tea", "hello ann");
    await ann.fence();
    expect(ann.said).toEqual(["#tea ben@paris hello ann"]);
    expect(ben.said).toEqual(["#tea ann@paris hello ben", "#tea ben@paris hello ann"]);
    ann.send("WHO #tea");
    await ann.fence();
    expect(ann.lines).toContain("WHO ann@paris ben@paris");
    await stage.done(ben.client.part("#tea"));
    await ann.fence();
    expect(ann.lines.at(-1)).toStartWith("LEFT #tea ben@paris");
  });

  test("private messages go both ways, and what fails is answered", async () => {
    await using stage = await open();
    const ann = await stage.line("ann");
    const ben = await stage.native("ben");
    ann.send("TELL ben@paris psst", "TELL nobody@paris psst", "TELL ben@nowhere psst");
    await ben.until((events) => events.some((event) => event.type === "private"));
    await stage.done(ben.client.tell("ann@paris", "yes?"));
    await ann.until((lines) => lines.includes("TOLD ben@paris yes?"));
    const errors = ann.lines.filter((line) => line.startsWith("ERR"));
    expect(errors.map((line) => line.split(" ")[1])).toEqual(["NO_SUCH_NICK", "NO_SUCH_SERVER"]);
  });

  test("everybody sees one order, and each sender's own order in it", async () => {
    await using stage = await open();
    const [ann, ben] = [await stage.line("ann"), await stage.line("ben")];
    const cleo = await stage.native("cleo");
    for (const one of [ann, ben]) one.send("CAP time");
    await Promise.all([ann.fence(), ben.fence()]);
    const said = numbers(40).map(async (index) => {
      ann.send(`SAY #lobby a${index}`);
      ben.send(`SAY #lobby b${index}`, `SAY #lobby c${index}`);
      await stage.done(cleo.client.say("#lobby", `d${index}`));
    });
    await Promise.all(said);
    await Promise.all([ann.fence(), ben.fence()]);
    await cleo.until(() => cleo.said.length === 160);
    await Promise.all([ann, ben].map((one) => one.until(() => one.said.length === 160)));
    expect(ann.said).toEqual(ben.said);
    expect(cleo.said).toEqual([...ann.said]);
    for (const [letter, nick] of Object.entries({ a: "ann", b: "ben", c: "ben", d: "cleo" })) {
      const own = ann.said.filter((line) => new RegExp(` ${letter}\\d+$`).test(line));
      expect(own).toHaveLength(40);
      expect(own.map((line) => Number(/\d+$/.exec(line)?.[0]))).toEqual(numbers(40));
      expect(own.every((line) => line.startsWith(`#lobby ${nick}@`))).toBe(true);
    }
  });

  test("a message is encoded once per format, whatever the number of members", async () => {
    await using stage = await open();
    const plain = await Promise.all(numbers(5).map((index) => stage.line(`plain${index}`)));
    const timed = await Promise.all(numbers(3).map((index) => stage.line(`timed${index}`)));
    const native = await stage.native("native");
    for (const one of timed) one.send("CAP time");
    await Promise.all([...plain, ...timed].map((one) => one.fence()));
    const before = stage.encoded();
    for (const one of [...plain, ...timed]) one.send("SAY #lobby 1", "SAY #lobby 2");
    await native.say("#lobby", "3");
    await Promise.all([...plain, ...timed].map((one) => one.fence()));
    const after = stage.encoded();
    expect({ plain: after.plain - before.plain, timed: after.timed - before.timed }).toEqual({
      plain: 17,
      timed: 17,
    });
    for (const one of timed) await one.until(() => one.said.length === 17);
    for (const one of plain) await one.until(() => one.said.length === 15); // not its own two
    await native.until(() => native.said.length === 17);
  });

  test("a format without echo leaves out the sender's own messages, and only those", async () => {
    await using stage = await open();
    const [ann, ben] = [await stage.line("ann"), await stage.line("ben")];
    ben.send("CAP time");
    await ben.fence();
    ann.send("SAY #lobby 1", "SAY #lobby 2");
    ben.send("SAY #lobby 3");
    ann.send("SAY #lobby 4");
    await Promise.all([ann.fence(), ben.fence()]);
    await ben.until(() => ben.said.length === 4);
    expect(ann.said).toEqual(["#lobby ben@paris 3"]);
    expect(ben.lines.filter((line) => line.startsWith("@"))).toHaveLength(4);
  });

  test("a change of format within a tick loses and repeats nothing", async () => {
    await using stage = await open();
    const [ann, ben, cleo] = [
      await stage.line("ann"),
      await stage.line("ben"),
      await stage.line("cleo"),
    ];
    for (const one of [cleo, ben, ann]) {
      one.send(...(one === cleo ? ["CAP time"] : []), "JOIN #tea");
      await one.fence();
    }
    for (let round = 0; round < 8; round += 1) {
      // One piece each, so that all of it falls into a tick, or into neighbouring ones.
      ben.send(`SAY #tea b${round}`);
      ann.send(
        `SAY #tea p${round}`,
        "CAP time",
        `SAY #tea q${round}`,
        "CAP plain",
        `SAY #tea r${round}`,
        "CAP time",
        `SAY #tea s${round}`,
        "CAP plain",
      );
      cleo.send(`SAY #tea c${round}`);
    }
    await Promise.all([ann.fence(), ben.fence(), cleo.fence()]);
    await cleo.until(() => cleo.said.length === 48);
    // Of ann's own, those that were said with the time come back: q and s.
    const expected = cleo.said.filter((line) => !/ [pr]\d$/.test(line));
    await ann.until(() => ann.said.length === expected.length);
    expect(ann.said).toEqual(expected);
    expect(ben.said).toEqual(cleo.said.filter((line) => !/ b\d$/.test(line)));
  });

  test("who joins or leaves within a tick gets what was said in between, and no more", async () => {
    await using stage = await open();
    const [ann, ben] = [await stage.line("ann"), await stage.line("ben")];
    ben.send("CAP time", "JOIN #tea");
    await ben.fence();
    ann.send("JOIN #tea", "SAY #tea 1", "PART #tea", "CAP time", "JOIN #tea", "SAY #tea 2");
    ann.send("PART #tea", "SAY #tea 3");
    await Promise.all([ann.fence(), ben.fence()]);
    await ben.until((lines) => lines.filter((line) => line.startsWith("LEFT")).length === 2);
    const tea = (lines: readonly string[]) =>
      lines.filter((line) => line.includes("#tea")).map((line) => line.replace(/^@\d+ /, ""));
    expect(tea(ann.lines)).toEqual([
      "JOINED #tea ann@paris",
      "SAID #tea ann@paris 2",
      "LEFT #tea ann@paris ",
      "ERR NOT_IN_ROOM room #tea: you are not in it; join it first",
    ]);
    expect(tea(ben.lines)).toEqual([
      "JOINED #tea ben@paris",
      "JOINED #tea ann@paris",
      "SAID #tea ann@paris 1",
      "LEFT #tea ann@paris ",
      "JOINED #tea ann@paris",
      "SAID #tea ann@paris 2",
      "LEFT #tea ann@paris ",
    ]);
  });

  test("a fence is behind one's own messages, which are with all others by then", async () => {
    await using stage = await open();
    const ann = await stage.line("ann");
    ann.send("CAP time", "SAY #lobby 1", "PING here", "SAY #lobby 2");
    await ann.fence();
    const lines = ann.lines.filter((line) => !line.startsWith("WELCOME"));
    // What rooms say in a tick stands before its answers: a fence may come late, never early.
    expect(lines.map((line) => line.replace(/^@\d+ /, ""))).toEqual([
      "SAID #lobby ann@paris 1",
      "SAID #lobby ann@paris 2",
      "PONG here",
    ]);
  });

  test("lines that come with the nick, in one piece, wait for the entry", async () => {
    await using stage = await open();
    const ben = await stage.native("ben");
    const ann = await stage.stranger();
    ann.send("NICK ann", "SAY #lobby early", "JOIN #tea", "SAY #tea bird");
    await ann.fence();
    await ben.untilSaid("early");
    expect(ann.lines[0]).toBe("WELCOME ann@paris");
    expect(ann.lines).not.toContainEqual(expect.stringContaining("ERR"));
  });

  test("what is refused is answered, and the connection goes on", async () => {
    await using stage = await open();
    const ann = await stage.line("ann");
    const other = await stage.stranger();
    other.send("SAY #lobby hi", "NICK ann", "NICK a@b", "NICK Ann", "NICK ben", "NICK cleo");
    await other.fence();
    expect(other.lines.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "ERR OUT_OF_PHASE",
      "ERR NICK_IN_USE",
      "ERR NICK_INVALID",
      "ERR NICK_IN_USE",
      "WELCOME ben@paris",
      "ERR UNKNOWN_TYPE",
    ]);
    other.send("SAY #tea hi", "PART #lobby", "JOIN #a/b", `SAY #lobby ${"x".repeat(20_000)}`);
    await other.fence();
    expect(other.lines.slice(6).map((line) => line.split(" ")[1])).toEqual([
      "NOT_IN_ROOM",
      "CANNOT_LEAVE",
      "ROOM_INVALID",
      "TEXT_TOO_LONG",
    ]);
    other.send("RENAME dora");
    await other.fence();
    await ann.fence();
    expect(ann.lines).toContain("RENAMED ben@paris dora@paris");
  });

  test("one who quits has said all before, and is gone for the others", async () => {
    await using stage = await open();
    const [ann, ben] = [await stage.line("ann"), await stage.native("ben")];
    ann.send("SAY #lobby bye", "QUIT", "SAY #lobby too late");
    await ann.end();
    await ben.until((events) => events.some((event) => event.type === "left"));
    expect(ben.said).toEqual(["#lobby ann@paris bye"]);
    await stage.line("ann");
  });

  test("one who is put out is told why, as the gateway says it", async () => {
    await using stage = await open();
    const ann = await stage.line("ann");
    await stage.done(stage.server.run(["kick", "ann"], { by: "console", roles: [] }));
    await ann.end();
    expect(ann.lines.at(-1)).toStartWith("ERR KICKED ");
  });

  test("a slow reader is closed with OUTBOX_FULL, and nobody else notices", async () => {
    await using stage = await open();
    const slow = await stage.line("slow");
    const [ann, ben] = [await stage.line("ann"), await stage.native("ben")];
    slow.wire.pause();
    const text = "x".repeat(16_000);
    const left = () => ben.events.filter((event) => event.type === "left");
    for (let sent = 0; left().length === 0; sent += 20) {
      expect(sent).toBeLessThan(2000); // 32 MB: what the system takes, and what we do
      ann.send(...numbers(20).map(() => `SAY #lobby ${text}`));
      await ann.fence();
    }
    expect(left()).toMatchObject([{ person: { address: "slow@paris" } }]);
    slow.wire.resume();
    await slow.end();
    expect(slow.lines.filter((line) => line.startsWith("ERR OUTBOX_FULL"))).toHaveLength(1);
    await ben.say("#lobby", "still here");
    await ann.until(() => ann.said.length === 1);
    expect(left()).toHaveLength(1);
  });
});
