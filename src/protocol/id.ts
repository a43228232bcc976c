// The times that stand in ids (docs/protocol.md, 6.3): 9 digits in base 36, at the beginning. Pure.
// Next: core/ids.ts, which gives them.

/** Sorts before all ids of this time, in milliseconds since 1970, and behind all earlier ones. */
export const idAt = (at: number): string => at.toString(36).padStart(TIME_LENGTH, "0");

/** Sorts behind all ids of this time, and before all later ones. */
export const idAfter = (at: number): string => `${idAt(at)}~`;

/** The time that an id says; undefined where it says none. */
export function timeIn(id: string): number | undefined {
  const at = Number.parseInt(id.slice(0, TIME_LENGTH), 36);
  return Number.isNaN(at) ? undefined : at;
}

// --- internal ---

const TIME_LENGTH = 9;
