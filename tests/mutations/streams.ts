// Planted bugs: one for each rule of streams, channels and acknowledgements (docs/protocol.md). The
// simulation finds them by what people are shown (tests/sim/speech.ts).

import type { Edit } from "./mutations.ts";

/** [name, rule, file, then find and replace by turns] */
type Row = readonly [name: string, rule: string, file: string, ...edits: readonly string[]];

const incoming = "src/core/incoming.ts";

const ROWS: readonly Row[] = [
  [
    "doubles-taken",
    "a number that was had is ignored",
    incoming,
    "if (stream.have !== undefined && last <= stream.have) return;",
    "",
    "if (last > stream.have) {",
    "if (next.frames.length > 0) {",
    "const skip = have + 1 - batch.first;",
    "const skip = have < 0 ? 1 : 0;",
  ],
  [
    "stands-not-told",
    "a subscriber is told where a stream stands",
    "src/core/peers.ts",
    'peer.send({ t: "stand", heads });',
    "void heads;",
  ],
  [
    "life-kept",
    "a life is drawn at each start, so no number is used twice",
    "src/core/identity.ts",
    "const life = random.bytes(8).toHex();",
    "const life = random.bytes(8).fill(7).toHex();",
  ],
  [
    "acknowledged-early",
    "an acknowledgement waits for the commit",
    "src/core/requests.ts",
    "return { answer, logged };",
    "return { answer, logged: logged * 0 };",
  ],
  [
    "channel-steps-over",
    "a channel takes nothing before what is missing",
    "src/core/channel.ts",
    "const isNext = kind === 0 && counter === had + 1;",
    "const isNext = kind === 0 && counter > had;",
  ],
  [
    "never-sent-again",
    "a channel sends again what is not acknowledged",
    "src/core/channel.ts",
    "if (cancelResend !== undefined || unsent.length === 0) return;",
    "if (cancelResend !== undefined || unsent.length >= 0) return;",
  ],
  [
    "unconfirmed-late",
    "a private message without word is unconfirmed after a minute",
    "src/core/tells.ts",
    "createDeadlines<Asker>(options.clock, LIMITS.unconfirmedMsMax, (",
    "createDeadlines<Asker>(options.clock, LIMITS.unconfirmedMsMax * 100, (",
  ],
  // --- what is missing ---
  [
    "gap-stepped-over",
    "what follows a gap waits until the gap is closed",
    incoming,
    "if (next.first > stream.have + 1) return ask(peer, room, stream, next.first - 1);",
    "",
  ],
  [
    "gap-asked-once",
    "what is missing is asked for again until it comes",
    incoming,
    "else if (isAskable) ask(peer, room, stream, stream.wanted);",
    "else if (isAskable) void ask;",
  ],
  [
    "head-only-at-link-up",
    "where a stream stands is told with each change, not only when a link comes up",
    "src/core/fusion.ts",
    "head: (peer, room, head) => to().incoming.head(peer, room, head),",
    "head: () => {},",
  ],
  // --- restarts ---
  [
    "marks-forgotten",
    "a server goes on after a restart where its history ends",
    "src/core/marks.ts",
    "return this.#marks.get(`${origin} ${life} ${room}`)?.last ?? begun;",
    "return undefined;",
  ],
  [
    "held-not-told",
    "what a server has of those who are away goes to those who lack it",
    "src/core/estates.ts",
    "cancel ??= options.clock.after(LIMITS.heldMs, tell);",
    "void tell;",
  ],
  // --- clients ---
  [
    "past-not-read",
    "a client whose session was lost reads what it missed",
    "src/client/past.ts",
    "if (this.#turn === turn) await this.#read(room, turn);",
    "if (this.#turn === turn) this.#end(room, [], false);",
  ],
  [
    "repeats-shown",
    "a message that is said again is shown once",
    "src/client/past.ts",
    "const isTold = this.#told.has(given) || this.#told.has(said);",
    "const isTold = this.#told.has(given);",
  ],
  [
    "private-repeats-shown",
    "a private message that is said again is shown once",
    "src/client/past.ts",
    "if (this.#told.has(said)) return;",
    "",
  ],
];

export const STREAM_BUGS: readonly {
  readonly name: string;
  readonly rule: string;
  readonly edits: readonly Edit[];
}[] = ROWS.map(([name, rule, file, ...texts]) => {
  const edits: Edit[] = [];
  for (let at = 0; at < texts.length; at += 2)
    edits.push({ file, find: texts[at] ?? "", replace: texts[at + 1] ?? "" });
  return { name, rule, edits };
});
