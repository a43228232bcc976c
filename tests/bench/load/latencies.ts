// Times in microseconds, counted in buckets: 64 of the same width for each power of two, so that a
// quantile is right to 1.6 %.

const LINEAR = 64;
const BUCKETS = LINEAR * 27;

export class Latencies {
  readonly #counts = new Uint32Array(BUCKETS);
  #all = 0;

  /** `micros` is an integer of up to 32 bits. */
  add(micros: number): void {
    const at = bucketOf(micros);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#all += 1;
  }

  /** In ms; NaN when there is none. */
  quantile(part: number): number {
    let sum = 0;
    for (let at = 0; at < BUCKETS; at++) {
      sum += this.#counts[at] ?? 0;
      if (sum > part * this.#all) return leastOf(at) / 1000;
    }
    return Number.NaN;
  }
}

// --- internal ---

function bucketOf(micros: number): number {
  if (micros < LINEAR) return micros;
  const power = 31 - Math.clz32(micros); // 6 to 31
  return (power - 5) * LINEAR + ((micros >>> (power - 6)) & (LINEAR - 1));
}

function leastOf(bucket: number): number {
  if (bucket < LINEAR) return bucket;
  const power = Math.floor(bucket / LINEAR) + 5;
  return 2 ** power + (bucket % LINEAR) * 2 ** (power - 6);
}
