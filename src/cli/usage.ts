// What a command's usage says beside what it shows: how a line falls into words, and what may stand
// at a place of it. Pure.

/** What may stand at a place: somebody, a room, or one of these words, and perhaps others. */
export type Place = "person" | "room" | readonly string[];

/**
 * Splits what stands behind a command's name into words; there is no quoting, since a text may have
 * quotes in it. Where the usage ends with a TEXT or REASON, that is one word, with the blanks that
 * it has.
 */
export function wordsOf(rest: string, usage: string): readonly string[] {
  const words = rest.trim().split(/\s+/).filter(Boolean);
  const places = placesOf(usage);
  const before = places.length - 1;
  if (!/TEXT|REASON/.test(places.at(-1) ?? "") || words.length <= before) return words;
  let text = rest.trim();
  for (const word of words.slice(0, before)) text = text.slice(word.length).trimStart();
  return [...words.slice(0, before), text];
}

/** What may stand at the place of this index; undefined where nobody knows. */
export function placeOf(usage: string, index: number): Place | undefined {
  const named = placesOf(usage)[index]?.replaceAll(/[[\]]/g, "");
  if (named === undefined) return undefined;
  if (named.startsWith("#ROOM")) return "room";
  if (named.startsWith("NICK")) return "person";
  const words = named.split("|").filter((word) => /^[a-z0-9-]+$/.test(word));
  return words.length === 0 ? undefined : words;
}

// --- internal -----------------------------------------------------------------------------------

const placesOf = (usage: string): readonly string[] => usage.split(" ").filter(Boolean);
