// What a text is found by: its words, in one form. The same makes the index and reads a question,
// so that the two always agree. Pure; imports nothing, since the worker loads it.

/** Words that stand behind one another; with `prefix` the last one may go on. */
export interface Phrase {
  readonly words: readonly string[];
  readonly prefix: boolean;
}

/** The words of a text, in order, without case and accents; of scripts without blanks, letters. */
export function wordsOf(text: string): string[] {
  if (isAscii.test(text)) return text.toLowerCase().match(asciiWord)?.map(cut) ?? [];
  const plain = text.normalize("NFKD").toLowerCase().replace(accents, "").normalize("NFC");
  return plain.match(word)?.map(cut) ?? [];
}

/**
 * Reads what somebody looks for: words that must all be there, "in quotes" one behind the other;
 * one with a star behind it, of three letters or more, may be the beginning of a longer one.
 */
export function phrasesOf(text: string): Phrase[] {
  return [...text.matchAll(part)].flatMap(([all, quoted]) => {
    const words = wordsOf(quoted ?? all);
    const isLong = (words.at(-1)?.length ?? 0) >= prefixLettersMin;
    const prefix = quoted === undefined && all.endsWith("*") && isLong;
    return words.length === 0 ? [] : [{ words, prefix }];
  });
}

/** Tells whether a text has all of these, for those who keep no index. */
export function hasPhrases(text: string, phrases: readonly Phrase[]): boolean {
  const held = wordsOf(text);
  return phrases.every(({ words, prefix }) =>
    held.some((_, at) =>
      words.every((one, index) => {
        const isOpen = prefix && index === words.length - 1;
        return isOpen ? held[at + index]?.startsWith(one) : held[at + index] === one;
      }),
    ),
  );
}

// --- internal ---

/** Shorter ones begin so many words that all of the log would be read. */
const prefixLettersMin = 3;
/** Longer ones are known by their beginning. */
const wordLettersMax = 64;

const cut = (one: string): string =>
  one.length > wordLettersMax ? one.slice(0, wordLettersMax) : one;

const isAscii = /^[^\u0080-\uffff]*$/;
const asciiWord = /[a-z0-9]+/g;
/** Of Latin, Greek and Cyrillic letters; marks of other scripts belong to their words. */
const accents = /[\u0300-\u036f]/g;
/** Scripts that are written without blanks. */
const dense = ["Han", "Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr"]
  .map((script) => `\\p{sc=${script}}`)
  .join("");
const word = new RegExp(`[${dense}\\p{ExtPict}]|[[\\p{L}\\p{N}\\p{M}]--[${dense}]]+`, "gv");
const part = /"([^"]*)"?|[^\s"]+/g;
