// The lines that wait to be printed above what is typed: for the end of the turn, or until a
// password has been asked for, however long that takes. Of too many the last ones stay.

import { LIMITS } from "../../limits.ts";

export class Unprinted {
  #lines: string[] = [];
  #length = 0;
  #skipped = 0;

  /** Of what is `held` for long no more is kept than LIMITS.unseenLengthMax characters. */
  add(text: string, held: boolean): void {
    this.#lines.push(text);
    this.#length += text.length;
    const most = held ? LIMITS.unseenLengthMax : Number.POSITIVE_INFINITY;
    while (this.#length > most) {
      this.#length -= this.#lines.shift()?.length ?? 0;
      this.#skipped++;
    }
  }

  /** A line is not shown at all. */
  skip(): void {
    this.#skipped++;
  }

  /** What is to be printed now; first of all, how much is not. */
  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    this.#length = 0;
    if (this.#skipped > 0 && lines.length > 0) {
      lines.unshift(`!! ${this.#skipped} lines were not shown: too much came while none could be`);
      this.#skipped = 0;
    }
    return lines;
  }
}
