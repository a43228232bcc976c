// Where clients have cut lines of what they said in a batch (draft/multiline-concat), so that
// others at this gateway are shown them in the same pieces: what is said has no place for it.
// Bounded: the oldest are forgotten, and their texts cut anew for each who sees them.

import { LIMITS } from "chatfusion";

/** What stands between two pieces of a line; no line of IRC has it. */
export const SEAM = "\0";

export class Cuts {
  /** Texts with their seams, by the texts. */
  readonly #cut = new Map<string, string>();

  /** Takes a text with its seams. */
  add(cut: string): void {
    const text = cut.replaceAll(SEAM, "");
    if (text.length === cut.length) return;
    this.#cut.delete(text);
    this.#cut.set(text, cut);
    const [oldest = ""] = this.#cut.keys();
    if (this.#cut.size > LIMITS.ircCutsMax) this.#cut.delete(oldest);
  }

  /** A text of several lines with its seams, where it has any. */
  of(text: string): string {
    const plain = text.replaceAll(SEAM, " ");
    return this.#cut.size === 0 ? plain : (this.#cut.get(text) ?? plain);
  }
}
