// How far transfers are, as lines for people. Pure. Next: text.ts.

import { visible } from "../../client.ts";
import type { Ended } from "./shown.ts";
import type { TransferEntry } from "./transfers.ts";

/**
 * A transfer as a line of so many columns: what, how far, how fast, how long still. Where there is
 * no room for all of it, how far it is and how long it takes are left last.
 */
export function progressText(entry: TransferEntry, columns: number): string {
  const { number, direction, name, bytes, size, rate, state } = entry;
  const begin = `${number} ${direction === "in" ? "↓" : "↑"} `;
  const file = visible(name);
  const other = visible(` ${direction === "in" ? "from" : "to"} ${entry.with}`);
  if (state === "offered") return `${begin}${file}${other}: offered`;
  const part = size === 0 ? 1 : bytes / size;
  const moves = rate > 0 && state === "running";
  const time = moves ? `  ${durationText((size - bytes) / rate)} left` : "";
  const left = state === "paused" ? "  waits" : time;
  const speed = moves ? `  ${sizeText(rate)}/s` : "";
  const percent = `${Math.floor(part * 100)} %`;
  const far = `${percent}  ${sizeText(bytes)} of ${sizeText(size)}`;
  const roomFor = (what: string, figures: string): number =>
    columns - Bun.stringWidth(begin + what) - figures.length - 2;
  const full = `${far}${speed}${left}`;
  const width = Math.min(20, roomFor(file + other, full) - 4);
  if (width >= 5) {
    const done = Math.round(part * width);
    const bar = "#".repeat(done) + " ".repeat(width - done);
    return `${begin}${file}${other}  [${bar}] ${full}`;
  }
  const least = percent + left;
  const narrower = [
    [file + other, full],
    [file + other, far + left],
    [file, far + left],
    [file, least],
  ] as const;
  const fitting = narrower.find(([what, figures]) => roomFor(what, figures) >= 0);
  if (fitting !== undefined) return `${begin}${fitting.join("  ")}`;
  const some = Bun.sliceAnsi(file, 0, Math.max(0, roomFor("…", least)));
  return `${begin}${some}…  ${least}`;
}

/** Where a transfer waits, or goes on. */
export function partText(
  { number, name, bytes, size }: { number: number; name: string; bytes: number; size: number },
  what: string,
): string {
  return `${number}: ${visible(name)} ${what} at ${sizeText(bytes)} of ${sizeText(size)}`;
}

/** Which transfer came to nothing, before why. */
export function endedText({ number, name = "", from, to }: Ended & { number?: number }): string {
  const other = from === undefined ? ` to ${visible(to ?? "")}` : ` from ${visible(from)}`;
  return `${number}: ${visible(name)}${other}: `;
}

/** Writes a size as people do: "12.3 MB". */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < sizeUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${sizeUnits[unit]}`;
}

/** Writes seconds as "m:ss" or "h:mm:ss". */
export function durationText(seconds: number): string {
  const whole = Math.min(Math.ceil(seconds), 359_999);
  const two = (value: number) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// --- internal -----------------------------------------------------------------------------------

const sizeUnits = ["B", "kB", "MB", "GB", "TB", "PB"];
