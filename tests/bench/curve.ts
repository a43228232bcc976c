// What a curve of growth is, and its table. Pure. Next: growth.ts, and the curves themselves in
// curves.ts.

import type { Series } from "./chart.ts";
import type { Cores } from "./machine.ts";
import type { Spread } from "./results.ts";
import type { Pace } from "./scenarios.ts";
import { digits, markdown } from "./table.ts";

export interface Curve {
  readonly title: string;
  /** Of the axes: what grows, and what is measured. */
  readonly x: string;
  readonly y: string;
  readonly steps: readonly number[];
  /** Measures all of `how.steps`. Rejects where something could not be done at all. */
  run(how: How): Promise<Figures>;
}

export interface How {
  /** Temporary: all data of servers are in it. */
  readonly folder: string;
  readonly cores: Cores;
  readonly pace: Pick<Pace, "rampMs" | "measureMs" | "drainMs" | "idleMs" | "fileBytes">;
  readonly repetitions: number;
  readonly steps: readonly number[];
  /** Tells people something while it runs. */
  tell(line: string): void;
}

export interface Figures {
  /** Three at most: a picture has as many colours. */
  readonly drawn: readonly Series[];
  /** What only the table has; each name says its unit. */
  readonly beside: readonly Series[];
  /** What was lost, doubled, out of order, or could not be done. */
  readonly faults: readonly string[];
}

type Point = Series["points"][number];

/** A row for each series and a column for each step, of all that there are. */
export function tableOf(head: string, series: readonly Series[]): string {
  const all = series.flatMap(({ points }) => points.map(({ x }) => x));
  const steps = [...new Set(all)].toSorted((a, b) => a - b);
  const cells = series.map(({ name, points }) => [
    name,
    ...steps.map((step) => cell(points.find(({ x }) => x === step))),
  ]);
  return markdown([[head, ...steps.map((step) => step.toLocaleString("en"))], ...cells]);
}

/** A point of a single figure, which has no spread: what was counted. */
export const counted = (x: number, value: number): Point => ({
  x,
  median: value,
  min: value,
  max: value,
});

/** Points by series, in the order in which they first came. */
export class Collected {
  readonly #series = new Map<string, Point[]>();

  add(name: string, x: number, spread: Spread): void {
    const points = this.#series.get(name) ?? [];
    this.#series.set(name, points);
    points.push({ x, ...spread });
  }

  get series(): readonly Series[] {
    return [...this.#series].map(([name, points]) => ({ name, points }));
  }
}

// --- internal ---

function cell(point: Point | undefined): string {
  if (point === undefined) return "";
  const { median, min, max } = point;
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}
