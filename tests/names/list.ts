// Tables of short strings, written in lines.

/** Splits at |. A line's end with the next line's indentation is no part of the table. */
export const list = (table: string): string[] => table.replace(/\n {2,}/g, "").split("|");
