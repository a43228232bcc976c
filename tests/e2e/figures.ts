// How the end-to-end tests print what they have measured: one line of `key=value` a figure.

/** Prints the spread of some durations, with what was counted beside them. */
export function printFigure(
  name: string,
  ms: readonly number[],
  counted: Readonly<Record<string, number | string>>,
): void {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
  const spread = { min_ms: at(0), p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1) };
  const measured = Object.entries(spread).map(([key, value]) => `${key}=${value.toFixed(1)}`);
  const rest = Object.entries(counted).map(([key, value]) => `${key}=${value}`);
  console.log([name, ...rest, ...measured].join(" "));
}
