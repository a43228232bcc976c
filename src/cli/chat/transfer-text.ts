// How far transfers are, as lines for people. Pure. Next: text.ts.

import { visible } from "../../client.ts";
import type { Ended } from "./shown.ts";
import type { TransferEntry } from "./transfers.ts";

/** A transfer as a line: what, how far, how fast, how long still. */
export function progressText(entry: TransferEntry, columns: number): string {
  const { number, direction, name, bytes, size, rate } = entry;
  const arrow = direction === "in" ? "↓" : "↑";
  const other = direction === "in" ? `from ${entry.with}` : `to ${entry.with}`;
  const what = `${number} ${arrow} ${visible(name)} ${visible(other)}`;
  if (entry.state === "offered") return `${what}: offered`;
  const part = size === 0 ? 1 : bytes / size;
  const left = rate > 0 ? `  ${durationText((size - bytes) / rate)} left` : "";
  const speed = rate > 0 ? `  ${sizeText(rate)}/s` : "";
  const percent = `${Math.floor(part * 100)} %`;
  const figures = `${percent}  ${sizeText(bytes)} of ${sizeText(size)}${speed}${left}`;
  const width = Math.min(20, columns - Bun.stringWidth(what) - figures.length - 6);
  if (width < 5) return `${what}  ${figures}`;
  const full = Math.round(part * width);
  return `${what}  [${"#".repeat(full)}${" ".repeat(width - full)}] ${figures}`;
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
