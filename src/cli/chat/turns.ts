// Which message a line means by `^` while others that were typed before it wait for an answer.
// Invariants: 1. What was shown or said after a line was typed is never meant by it. 2. Where a
// line before it was refused, and whoever typed it could not know, that one still counts: rather is
// nothing meant than the message before it.

import { LIMITS } from "../../limits.ts";

/** What a line may mean, as far as that matters. */
export type Target = { readonly id: string; readonly from: string } & (
  { readonly room: string } | { readonly to: string }
);

/** A line that stands where its message would. */
export interface Refused {
  /** Sorts behind the messages that were there before. */
  readonly id: string;
  readonly refused: string;
}

/** What a line has come to. */
type Outcome =
  { readonly said: Target } | { readonly deleted: string } | { readonly refused: string };

interface Turn {
  /** The newest message that was shown when it was typed. */
  readonly after: string;
  readonly ended: PromiseWithResolvers<void>;
  outcome: Outcome | undefined;
}

export class Turns {
  readonly #isSeen: boolean;
  /** By the numbers of their lines, as they were typed. */
  readonly #turns = new Map<number, Turn>();

  /** `isSeen`: whoever types sees the answers, and knows what was refused when they type on. */
  constructor(isSeen: boolean) {
    this.#isSeen = isSeen;
  }

  /** A line is typed. */
  begin(ref: number, after: string): void {
    this.#forget();
    this.#turns.set(ref, { after, ended: Promise.withResolvers(), outcome: undefined });
  }

  /** It has come to this; the first word counts. Without one, it says and deletes nothing. */
  end(ref: number, outcome?: Outcome): void {
    const turn = this.#turns.get(ref);
    if (turn === undefined) return;
    turn.outcome ??= outcome;
    if (turn.outcome === undefined) this.#turns.delete(ref);
    turn.ended.resolve();
  }

  /**
   * Returns what a line that is typed now counts, oldest first: what is `shown`, as the lines
   * before it leave it. A promise where some of them have no answer yet.
   */
  before(
    ref: number,
    shown: readonly Target[],
  ): readonly (Target | Refused)[] | Promise<readonly (Target | Refused)[]> {
    this.#forget();
    const turns = [...this.#turns].filter(([other]) => other !== ref).map(([, turn]) => turn);
    const open = turns.filter(({ outcome }) => outcome === undefined);
    if (open.length === 0) return counted(shown, turns);
    return Promise.all(open.map(({ ended }) => ended.promise)).then(() => counted(shown, turns));
  }

  // --- internal ---------------------------------------------------------------------------------

  #forget(): void {
    let tooMany = this.#turns.size - LIMITS.messagesShownMax;
    for (const [ref, { outcome }] of this.#turns) {
      if (outcome === undefined || (!this.#isSeen && tooMany-- <= 0)) continue;
      this.#turns.delete(ref);
    }
  }
}

// --- internal -----------------------------------------------------------------------------------

function counted(shown: readonly Target[], turns: readonly Turn[]): readonly (Target | Refused)[] {
  const all = new Map<string, Target | Refused>(shown.map((one) => [one.id, one]));
  let last = "";
  for (const { after, outcome } of turns) {
    if (after > last) last = after;
    if (outcome === undefined) continue;
    if ("deleted" in outcome) all.delete(outcome.deleted);
    else if ("said" in outcome) {
      const { id } = outcome.said;
      all.set(id, outcome.said);
      if (id > last) last = id;
    } else {
      // No id has this sign, or begins with another id.
      last += "~";
      all.set(last, { id: last, refused: outcome.refused });
    }
  }
  return [...all.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
