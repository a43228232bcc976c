// Tables for people: Markdown with columns of one width, to be read as it is and to be pasted.

import { METRICS } from "./results.ts";
import type { Row, Spread } from "./results.ts";

/** The rows of one scenario; `peers` are those to which there are ratios. */
export function tableOf(rows: readonly Row[], peers: readonly string[]): string {
  const metrics = METRICS.filter(({ key }) => rows.some(({ values }) => key in values));
  const compared = peers.filter((peer) => rows.some(({ ratios }) => peer in ratios));
  const [first, ...others] = metrics;
  const head = [
    "",
    "runs",
    first?.title ?? "",
    ...compared.map((peer) => `to ${peer}`),
    ...others.map(({ title }) => title),
  ];
  const cells = rows.map(({ subject, runs, values, ratios }) => [
    subject,
    String(runs),
    spread(values[first?.key ?? ""]),
    ...compared.map((peer) => (peer in ratios ? `${digits(ratios[peer])} ×` : "")),
    ...others.map(({ key }) => spread(values[key])),
  ]);
  return markdown([head, ...cells]);
}

/** The first row is the head, the first column stands to the left. */
export function markdown(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => widthOf(row[at])))) ?? [];
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => pad(cell, widths[at] ?? 0, at === 0)).join(" | ")} |`;
  const rules = widths.map((width, at) => "-".repeat(width + 1) + (at === 0 ? "-" : ":"));
  const [head = [], ...others] = rows;
  return [line(head), `|${rules.join("|")}|`, ...others.map(line)].join("\n");
}

/** Three digits that count. */
export function digits(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(value >= 10 ? 1 : 2);
}

// --- internal ---

const widthOf = (cell = ""): number => Bun.stringWidth(cell);

function pad(cell: string, width: number, isLeft: boolean): string {
  const fill = " ".repeat(width - widthOf(cell));
  return isLeft ? cell + fill : fill + cell;
}

function spread(value: Spread | undefined): string {
  if (value === undefined) return "";
  const { median, min, max } = value;
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}
