// The text of a message: whose it is, its number, and when it was to be sent; then filler. Digits
// are of base 16 from "a" on, which no protocol escapes, at fixed places, and read in place.
//
//   ~ gggg ttt nnnnnn mmmmmmmm xxx…    group, talker of it, number, µs since the run began
//
// A talker has 16 million numbers: an hour and more at 4,000 a second.

import type { Bytes } from "../../../src/environment.ts";

/** The first byte of each text; no protocol has it elsewhere. */
export const MARK = 0x7e;
const STAMP_BYTES = 22;

const ZERO = 0x61;
const FILLER = "x";

/** A text of a talker, whose number and time are still to be written. */
export function textOf(group: number, talker: number, bytes: number): string {
  const text = `~${digits(group, 4)}${digits(talker, 3)}${digits(0, 14)}`;
  return text + FILLER.repeat(bytes - STAMP_BYTES);
}

/** Writes number and time into the text at `at`. */
export function writeStamp(into: Bytes, at: number, number: number, micros: number): void {
  put(into, at + 8, number, 6);
  put(into, at + 14, micros, 8);
}

export const groupOf = (from: Bytes, at: number): number => take(from, at + 1, 4);
export const talkerOf = (from: Bytes, at: number): number => take(from, at + 5, 3);
/** 0 for a probe, which counts for nothing. */
export const numberOf = (from: Bytes, at: number): number => take(from, at + 8, 6);
export const microsOf = (from: Bytes, at: number): number => take(from, at + 14, 8) >>> 0;

// --- internal ---

function digits(value: number, count: number): string {
  const text = value.toString(16).padStart(count, "0");
  return text.replaceAll(/./g, (digit) => String.fromCharCode(ZERO + Number.parseInt(digit, 16)));
}

function put(into: Bytes, at: number, value: number, count: number): void {
  let rest = value;
  for (let digit = count - 1; digit >= 0; digit--) {
    into[at + digit] = ZERO + (rest & 15);
    rest >>>= 4;
  }
}

function take(from: Bytes, at: number, count: number): number {
  let value = 0;
  for (let digit = 0; digit < count; digit++) {
    value = (value << 4) | ((from[at + digit] ?? 0) - ZERO);
  }
  return value;
}
