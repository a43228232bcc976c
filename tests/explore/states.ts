// All situations that were met, each once, as words in one arena, with the way to them. Compared
// word by word: a hash only says where to look.

export class States {
  count = 0;
  #arena = new Int32Array(1 << 20);
  #used = 0;
  #table = new Int32Array(1 << 16).fill(-1);
  #starts = new Uint32Array(1 << 14);
  #from = new Int32Array(1 << 14);
  #move = new Uint16Array(1 << 14);
  #depth = new Uint16Array(1 << 14);

  /** Its number, and whether it is new. `from` and `move`: the way to it. */
  add(words: readonly number[], from: number, move: number): { at: number; isNew: boolean } {
    const mask = this.#table.length - 1;
    let slot = hash(words) & mask;
    for (;;) {
      const at = this.#table[slot]!;
      if (at < 0) break;
      if (this.#is(at, words)) return { at, isNew: false };
      slot = (slot + 1) & mask;
    }
    this.#reserve(words.length);
    const at = this.count++;
    this.#table[slot] = at;
    this.#starts[at] = this.#used;
    this.#from[at] = from;
    this.#move[at] = move;
    this.#depth[at] = from < 0 ? 0 : this.#depth[from]! + 1;
    this.#arena.set(words, this.#used);
    this.#used += words.length;
    this.#starts[at + 1] = this.#used;
    return { at, isNew: true };
  }

  words(at: number): Int32Array {
    return this.#arena.subarray(this.#starts[at], this.#starts[at + 1]);
  }

  depth(at: number): number {
    return this.#depth[at]!;
  }

  /** The moves that lead there from the first one. */
  way(at: number): number[] {
    const moves: number[] = [];
    for (let one = at; this.#from[one]! >= 0; one = this.#from[one]!)
      moves.unshift(this.#move[one]!);
    return moves;
  }

  // --- internal ---

  #is(at: number, words: readonly number[]): boolean {
    const start = this.#starts[at]!;
    if (this.#starts[at + 1]! - start !== words.length) return false;
    for (let i = 0; i < words.length; i++) if (this.#arena[start + i] !== words[i]) return false;
    return true;
  }

  #reserve(words: number): void {
    if (this.#used + words > this.#arena.length) this.#arena = wider(this.#arena, Int32Array);
    if (this.count + 2 > this.#starts.length) {
      this.#starts = wider(this.#starts, Uint32Array);
      this.#from = wider(this.#from, Int32Array);
      this.#move = wider(this.#move, Uint16Array);
      this.#depth = wider(this.#depth, Uint16Array);
    }
    if (2 * this.count < this.#table.length) return;
    const table = new Int32Array(2 * this.#table.length).fill(-1);
    const mask = table.length - 1;
    for (let at = 0; at < this.count; at++) {
      let slot = hash(this.words(at)) & mask;
      while (table[slot]! >= 0) slot = (slot + 1) & mask;
      table[slot] = at;
    }
    this.#table = table;
  }
}

// --- internal ---

type Words = Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

function wider<T extends Words>(words: T, make: new (length: number) => T): T {
  const more = new make(2 * words.length);
  more.set(words);
  return more;
}

/** FNV-1a over words, mixed at the end. */
function hash(words: ArrayLike<number>): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < words.length; at++) {
    sum = Math.imul(sum ^ words[at]!, 0x01000193);
    sum ^= sum >>> 15;
  }
  return (Math.imul(sum, 0x85ebca6b) ^ (sum >>> 13)) >>> 0;
}
