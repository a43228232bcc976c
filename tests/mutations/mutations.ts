// Planted bugs: one for each rule of merging (docs/protocol.md, part two), and those of streams.ts,
// as a change of the program's text. Each must be found by the simulation or by the explorer: a
// check that finds none of them proves nothing. `bun run mutate` hunts them one at a time.

import { STREAM_BUGS } from "./streams.ts";

export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  readonly name: string;
  /** What rule it breaks. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  /** Returns a file's text with the edits that are meant for it. Throws if one does not fit. */
  apply(file: string, text: string): string;
}

const tree = "plugins/fabric-tree";

/** [name, rule, file, find, replace] */
const ROWS: readonly (readonly [string, string, string, string, string])[] = [
  // --- the view ---
  [
    "newest-link-first",
    "links are judged in the order of their birth, the oldest first",
    `${tree}/view.ts`,
    "x.birth - y.birth ||",
    "y.birth - x.birth ||",
  ],
  [
    "no-names-in-view",
    "two sides that hold the same name are not joined",
    `${tree}/view.ts`,
    "|| this.#shareLooks(a, b)) return false;",
    ") return false;",
  ],
  [
    "names-letter-by-letter",
    "names are compared by skeleton, not by their letters",
    `${tree}/announcement.ts`,
    "return { ...version, name, looks: skeleton(name), key,",
    "return { ...version, name, looks: name as string, key,",
  ],
  [
    "one-sided-listing",
    "a link counts when both ends list it",
    `${tree}/view.ts`,
    "const back = linkTo(other, server.sid);",
    "const back = linkTo(other, server.sid) ?? { peer: server.sid, port: 1, birth };",
  ],
  [
    "births-not-compared",
    "both ends list it with the same birth",
    `${tree}/view.ts`,
    "if (back?.birth !== birth) continue;",
    "if (back === undefined) continue;",
  ],
  [
    "undone-kept",
    "an undone link is closed by its ends",
    `${tree}/tree.ts`,
    "if (session?.birth === birth) session.end(why);",
    "if (session?.birth === -1) session.end(why);",
  ],
  [
    "undone-late",
    "it is closed in the same step in which it is found",
    `${tree}/tree.ts`,
    "if (session?.birth === birth) session.end(why);",
    "if (session?.birth === birth) this.#clock.after(3000, () => session.end(why));",
  ],
  // --- the handshake ---
  [
    "no-names-before",
    "names are checked in the handshake, too",
    `${tree}/objections.ts`,
    "if (other !== undefined && other.sid !== sid) {",
    "if (other !== undefined && other.sid === undefined) {",
  ],
  [
    "pins-ignored",
    "a name stays with the key that it was seen with",
    `${tree}/objections.ts`,
    "if (pin !== undefined && pin !== sid) {",
    "if (pin !== undefined && pin === undefined) {",
  ],
  [
    "self-allowed",
    "a server does not merge with itself",
    `${tree}/gate.ts`,
    "if (peer.sid === this.#identity.sid) {",
    "if (peer.sid === undefined) {",
  ],
  [
    "one-side-consents",
    "the plugins of both sides are asked",
    `${tree}/gate.ts`,
    "const answer = this.#parts.host.consent(offer);",
    'const answer = offer.by === "us" ? this.#parts.host.consent(offer) : undefined;',
  ],
  [
    "judged-before-sync",
    "a link is listed only after all announcements have come",
    `${tree}/session.ts`,
    "for (const sid of this.#dirty) {",
    "for (const sid of this.#birthSaid === 0 ? [] : this.#dirty) {",
  ],
  [
    "no-sync",
    "each side sends what it knows of all servers",
    `${tree}/session.ts`,
    "for (const sid of this.#near.announcements.keys()) this.#dirty.add(sid);",
    "",
  ],
  [
    "own-birth",
    "both ends agree on the larger of the two births",
    `${tree}/session.ts`,
    "this.birth = Math.max(this.#birthSaid, this.#birthHeard);",
    "this.birth = this.#birthSaid;",
  ],
  [
    "births-from-one",
    "a birth is above all births seen",
    `${tree}/database.ts`,
    "return this.births;",
    "return 1;",
  ],
  [
    "half-open-stays",
    "a newer dial replaces the link that its side must have lost",
    `${tree}/objections.ts`,
    'if (rival.role === "accepted") return rival.proved ? "keep new" : "none";',
    'if (rival.role === "accepted") return rival.proved ? "keep old" : "none";',
  ],
  [
    "both-dials-give-way",
    "of two dials that cross, that of the smaller sid stays",
    `${tree}/objections.ts`,
    "const ourDialStays = about.self < about.peer;",
    'const ourDialStays = session.role === "dialled" ? false : about.self !== about.peer;',
  ],
  [
    "both-dials-stay",
    "and the other one gives way",
    `${tree}/gate.ts`,
    'if (verdicts.includes("keep old")) return duplicate;',
    "",
  ],
  // --- epochs and flooding ---
  [
    "no-epoch",
    "an epoch grows with each start",
    "src/core/identity.ts",
    "const epoch = last + 1;",
    "const epoch = Math.max(last, 1);",
  ],
  [
    "epoch-not-stored",
    "an epoch is on disk before anything is said in it",
    "src/core/identity.ts",
    "await store.write(EPOCH, encoder.encode(String(epoch)));",
    "",
  ],
  [
    "no-fight-back",
    "a server that meets a newer announcement of its own goes above it",
    `${tree}/own.ts`,
    "if (epoch < LIMITS.counterMax) this.#rise =",
    "if (epoch < 0) this.#rise =",
  ],
  [
    "held-for-ever",
    "what was held back, since it came too often, counts when its time has come",
    `${tree}/database.ts`,
    "this.#renew(held.announcement, now);\n      released",
    "if (held.due < 0) this.#renew(held.announcement, now);\n      released",
  ],
  [
    "older-wins",
    "the newest (epoch, seq) of a server wins",
    `${tree}/database.ts`,
    'if (order < 0) return { is: "old", sid };',
    'if (order > 0 && known !== undefined && version.seq > 3) return { is: "old", sid };',
  ],
  [
    "news-not-spread",
    "what is new goes on to all other links",
    `${tree}/tree.ts`,
    "for (const session of this.#sessions) if (session !== from) session.spread(sid);",
    "",
  ],
  [
    "requests-queued",
    "announcements are registers, sent when there is room",
    `${tree}/session.ts`,
    'if (!this.link.send("control", LINK_FRAME.announcement, bytes)) return true;',
    'this.link.send("control", LINK_FRAME.announcement, bytes);',
  ],
  // --- losses ---
  [
    "silence-not-noticed",
    "a link on which nothing is heard is closed",
    `${tree}/heart.ts`,
    "if (this.#missed < LIMITS.heartbeatMissedMax) {",
    "if (this.#missed < Number.POSITIVE_INFINITY) {",
  ],
  [
    "no-redial",
    "a lost link is dialled again by the side that dialled",
    `${tree}/redial.ts`,
    "wish.dueAt = now + step * (0.75 + this.#random.next() / 2);",
    "",
  ],
  [
    "wishes-forgotten",
    "which links are wanted survives a restart",
    `${tree}/tree.ts`,
    'await this.memory.read("links", (stored) => this.#redial.load(stored, this.now()));',
    "",
  ],
  [
    "parted-forgotten",
    "a link that an operator has ended is not dialled again",
    `${tree}/gate.ts`,
    "if (peer.again && this.#parts.parted(peer.sid)) {",
    "if (peer.again && peer.sid === undefined) {",
  ],
  [
    "unmerge-redialled",
    "nor by the side that has heard of it",
    `${tree}/merges.ts`,
    'if (reason.code === "UNMERGED") this.#redial.drop(peer);',
    "",
  ],
  // --- routes ---
  [
    "route-entry-twice",
    "a route names a port once",
    `${tree}/route.ts`,
    "for (let at = server; at > 0 && seen[at] === 0;) {",
    "for (let at = server; at > 0;) {",
  ],
  [
    "deliver-on-the-way",
    "a server that is only on the way keeps nothing",
    `${tree}/traffic.ts`,
    "if (deliver && from.peer !== undefined)",
    "if (from.peer !== undefined)",
  ],
  [
    "stale-route",
    "a cached route counts for one judgement only",
    `${tree}/traffic.ts`,
    "const route = cached?.judgement === this.#near.judgement ? cached :",
    "const route = cached !== undefined ? cached :",
  ],
  [
    "rooms-over-standby",
    "a route goes over links of the view only",
    `${tree}/view.ts`,
    'const tree = walk(count, edges, (edge) => edge.state === "tree");',
    'const tree = walk(count, edges, (edge) => edge.state !== "tree" || edge.birth < 0);',
  ],
];

const TREE_BUGS = ROWS.map(([name, rule, file, find, replace]) => {
  return { name, rule, edits: [{ file, find, replace }] };
});

export const MUTATIONS: readonly Mutation[] = [...TREE_BUGS, ...STREAM_BUGS].map((bug) => ({
  ...bug,
  apply: (of, text) => applied(bug.name, bug.edits, of, text),
}));

/** Finds a mutation. Throws with the names of all where there is none of this name. */
export function mutationOf(name: string): Mutation {
  const found = MUTATIONS.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = MUTATIONS.map((one) => one.name).join(", ");
  throw new Error(`MUTATION ${name}: expected one of ${names}`);
}

// --- internal ---

function applied(name: string, edits: readonly Edit[], file: string, text: string): string {
  let changed = text;
  for (const edit of edits) {
    if (edit.file !== file) continue;
    const parts = changed.split(edit.find);
    if (parts.length !== 2) {
      throw new Error(`${name}: "${edit.find}" stands ${parts.length - 1} times in ${file}`);
    }
    changed = parts.join(edit.replace);
  }
  return changed;
}
