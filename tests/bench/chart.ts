// Curves as an SVG picture: both axes logarithmic, medians as lines, their spread as bars, readable
// on a light and on a dark page. Next: growth.ts.

import { digits } from "./table.ts";
import type { Spread } from "./results.ts";

export interface Chart {
  readonly title: string;
  /** For those who don't see it. */
  readonly description: string;
  readonly x: string;
  readonly y: string;
  /** Each has a colour of its own: three at most. */
  readonly series: readonly Series[];
}

export interface Series {
  readonly name: string;
  readonly points: readonly ({ readonly x: number } & Spread)[];
}

const SIZE = { width: 720, height: 380 };
/** The field of the curves, with room around it for words. */
const FIELD = { left: 76, right: 610, top: 48, bottom: 318 };
/** Of a text. */
const LINE_PX = 17;
/** More labels than that would touch one another: then only powers of ten have one. */
const LABELS_MAX = 8;

/** Draws a chart; all numbers must be above 0. The same chart is the same text. */
export function chart({ title, description, x, y, series }: Chart): string {
  const points = series.flatMap((one) => one.points);
  const across = scale(
    points.map((point) => point.x),
    [FIELD.left, FIELD.right],
  );
  const up = scale(
    points.flatMap(({ min, max }) => [min, max]),
    [FIELD.bottom, FIELD.top],
  );
  const names = apart(series.map((one) => up.at(lastOf(one)?.median ?? 1)));
  const { width, height } = SIZE;
  const box = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box} role="img">
  <title>${escaped(title)}</title>
  <desc>${escaped(description)}</desc>
${STYLE}
  <text class="title" x="${FIELD.left}" y="24">${escaped(title)}</text>
${across.ticks.map((tick) => vertical(across.at(tick), label(tick))).join("\n")}
${up.ticks.map((tick) => horizontal(up.at(tick), label(tick))).join("\n")}
  <text x="${(FIELD.left + FIELD.right) / 2}" y="${height - 16}">${escaped(x)}</text>
  <text transform="translate(20 ${(FIELD.top + FIELD.bottom) / 2}) rotate(-90)">${escaped(y)}</text>
${series.map((one, at) => curve(one, at, across.at, up.at)).join("\n")}
${series.map(({ name }, at) => nameAt(name, names[at] ?? 0)).join("\n")}
</svg>
`;
}

// --- internal ---

const STYLE = `  <style>
    text { font: 14px system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
    .title { font-size: 16px; text-anchor: start }
    .end { text-anchor: end }
    .name { text-anchor: start }
    .grid { stroke: #8c959f; stroke-opacity: .35 }
    .line { fill: none; stroke-width: 2.5 }
    .spread { stroke-width: 1.5; stroke-opacity: .6 }
    .s0 { stroke: #0969da } .f0 { fill: #0969da }
    .s1 { stroke: #bc4c00 } .f1 { fill: #bc4c00 }
    .s2 { stroke: #1a7f37 } .f2 { fill: #1a7f37 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .s0 { stroke: #58a6ff } .f0 { fill: #58a6ff }
      .s1 { stroke: #f0883e } .f1 { fill: #f0883e }
      .s2 { stroke: #3fb950 } .f2 { fill: #3fb950 }
    }
  </style>`;

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From the round number below the least to the one above the largest. */
function scale(values: readonly number[], [from, to]: readonly [number, number]): Scale {
  const [least, largest] = [Math.min(...values), Math.max(...values)];
  const steps: number[] = [];
  for (let power = Math.floor(Math.log10(least)); 10 ** power <= largest * 10; power++) {
    for (const step of [1, 2, 5]) steps.push(Number(`${step}e${power}`));
  }
  const first = steps.findLastIndex((step) => step <= least);
  const last = steps.findIndex((step) => step >= largest && step > least);
  const within = steps.slice(first, last + 1);
  const [low, high] = [Math.log10(within[0] ?? 1), Math.log10(within.at(-1) ?? 10)];
  const tens = within.filter((step) => Number.isInteger(Math.round(Math.log10(step) * 1e6) / 1e6));
  return {
    at: (value) => round(from + ((Math.log10(value) - low) / (high - low)) * (to - from)),
    ticks: within.length > LABELS_MAX ? tens : within,
  };
}

const vertical = (at: number, text: string): string =>
  `  <path class="grid" d="M${at} ${FIELD.top}V${FIELD.bottom}"/>` +
  `<text x="${at}" y="${FIELD.bottom + 20}">${text}</text>`;

const horizontal = (at: number, text: string): string =>
  `  <path class="grid" d="M${FIELD.left} ${at}H${FIELD.right}"/>` +
  `<text class="end" x="${FIELD.left - 8}" y="${at + 5}">${text}</text>`;

function curve({ points }: Series, index: number, across: Scale["at"], up: Scale["at"]): string {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const path = sorted.map(({ x, median }) => `${across(x)} ${up(median)}`).join("L");
  const bars = sorted.map(({ x, min, max }) => `M${across(x)} ${up(min)}V${up(max)}`).join("");
  const dots = sorted.map(
    ({ x, median }) => `<circle class="f${index}" cx="${across(x)}" cy="${up(median)}" r="3.5"/>`,
  );
  return `  <path class="spread s${index}" d="${bars}"/>
  <path class="line s${index}" d="M${path}"/>
  ${dots.join("")}`;
}

/** Beside the field, at the height of the curve's end. */
const nameAt = (name: string, at: number): string =>
  `  <text class="name" x="${FIELD.right + 10}" y="${at + 5}">${escaped(name)}</text>`;

const lastOf = ({ points }: Series) => points.toSorted((a, b) => a.x - b.x).at(-1);

/** The same heights, moved down where one would stand on another one. */
function apart(heights: readonly number[]): readonly number[] {
  const moved = [...heights];
  let below = Number.NEGATIVE_INFINITY;
  for (const at of heights
    .keys()
    .toArray()
    .toSorted((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0))) {
    below = Math.max(heights[at] ?? 0, below + LINE_PX);
    moved[at] = below;
  }
  return moved;
}

const label = (value: number): string =>
  value >= 1 ? value.toLocaleString("en") : String(Number(digits(value)));

const round = (value: number): number => Math.round(value * 10) / 10;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
