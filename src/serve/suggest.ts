// What was probably meant: the nearest of the words that would have been right. Pure.

/** Returns ` (did you mean X?)` for the nearest known word, or "" when none is near. */
export function suggestion(word: string, known: Iterable<string>): string {
  let best: string | undefined;
  // A third of the letters may be wrong, and two in a short word that has them.
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const one of known) {
    const distance = editDistance(word, one, least);
    // Where as much is changed as there is, any word is as near.
    if (distance >= least || distance >= Math.min(word.length, one.length)) continue;
    best = one;
    least = distance;
  }
  return best === undefined ? "" : ` (did you mean ${best}?)`;
}

/**
 * Counts the letters to insert, delete, replace or swap with the next one (Damerau, without edits
 * inside a swap); `bound` where it is that or more. Words of over 64 letters are never near.
 */
export function editDistance(a: string, b: string, bound: number): number {
  if (a.length > 64 || b.length > 64 || Math.abs(a.length - b.length) >= bound) return bound;
  let older: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const left = row[j - 1] ?? bound;
      const up = above[j] ?? bound;
      let least = Math.min(left + 1, up + 1, (above[j - 1] ?? bound) + same);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, (older[j - 2] ?? bound) + 1);
      row.push(least);
    }
    older = above;
    above = row;
  }
  return Math.min(above[b.length] ?? bound, bound);
}
