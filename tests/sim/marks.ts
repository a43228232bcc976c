// Coverage marks: what has happened in a run, and how often, so that one can see that each kind of
// fault came at a moment when it mattered, and that each path of the fabric was walked.

export class Marks {
  readonly counts = new Map<string, number>();

  hit(mark: string, times = 1): void {
    this.counts.set(mark, (this.counts.get(mark) ?? 0) + times);
  }

  add(other: Iterable<readonly [string, number]>): void {
    for (const [mark, times] of other) this.hit(mark, times);
  }

  /** Those of the list that were never hit. */
  missing(required: readonly string[]): string[] {
    return required.filter((mark) => !this.counts.has(mark));
  }

  /** A line each, by name. */
  toString(): string {
    const rows = [...this.counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return rows.map(([mark, times]) => `${String(times).padStart(9)}  ${mark}`).join("\n");
  }
}

/** What must have happened in a run of some hundred seeds; else the simulation is too tame. */
export const REQUIRED_MARKS: readonly string[] = [
  // Faults, and where they struck.
  "cut: tree link",
  "cut: standby link",
  "cut: handshake",
  "cut silently: tree link",
  "cut silently: standby link",
  "cut silently: handshake",
  "flapping: tree link",
  "half-open: tree link",
  "half-open: standby link",
  "half-open: handshake",
  "crash: in a ring",
  "crash: in the middle",
  "crash: at the edge",
  "crash: handshake",
  "crash: alone",
  "crash in silence: in a ring",
  "crash in silence: in the middle",
  "crash in silence: handshake",
  "crash loop: merged",
  "crash in a disk write: merging",
  "stop: in the middle",
  "disk wiped: in the middle",
  "backup restored: in a ring",
  "disk fails: merged",
  "clock jumps: merged",
  "slow line: tree link",
  "slow line: standby link",
  "long delay: tree link",
  "long delay: handshake",
  "reordering: merged",
  "tiny buffer: tree link",
  "stranger: merged",
  "line of a person: while something waits",
  "unmerge: tree link",
  "unmerge: standby link",
  "merges at once",
  "merge of namesakes",
  // What came of them.
  "full: control class",
  "standby takes over",
  "answer: merged",
  "answer: standby",
  "answer: NAME_TAKEN",
  "answer: CANNOT_CONNECT",
  "answer: HANDSHAKE_TIMEOUT",
  "answer: MERGE_DENIED",
  "told: lost CANNOT_CONNECT",
  "told: lost IDLE_TIMEOUT",
  "told: lost DUPLICATE_LINK",
  "told: lost UNMERGED",
  "told: lost SERVER_STOPPING",
  "told: undone NAME_TAKEN",
  "told: refused NAME_TAKEN",
  "told: retrying CANNOT_CONNECT",
  "told: retrying NAME_TAKEN",
  "told: healed",
  "told: standby",
  "logged: own announcement of another life met",
  "logged: log failed",
  // What people met.
  "people: said",
  "people: delivered",
  "people: UNCONFIRMED",
  "people: shown late",
  "people: deleted",
  // What rooms met that are run.
  "ruled: set",
  "ruled: set NOT_PERMITTED",
  "ruled: kick",
  "ruled: say MUTED",
  "ruled: say MODERATED",
  "ruled: join BANNED",
  "ruled: removed BANNED",
  "ruled: removed KICKED",
];
