// Lines that are typed at a console, as words. Pure.

/** Commands whose last argument is a text: it is one word, with the blanks that it has. */
const textAfter: Readonly<Record<string, number>> = { say: 1, kick: 2 };

/** Splits a line into words; there is no quoting, since a text may have quotes in it. */
export function wordsOf(line: string): readonly string[] {
  const words = line.trim().split(/\s+/).filter(Boolean);
  const before = textAfter[words[0] ?? ""];
  if (before === undefined || words.length <= before + 1) return words;
  let rest = line.trim();
  for (const word of words.slice(0, before)) rest = rest.slice(word.length).trimStart();
  return [...words.slice(0, before), rest];
}
