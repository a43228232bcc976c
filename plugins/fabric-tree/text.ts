// Texts for operators: lists and tables.

import { LIMITS } from "chatfusion";

/** Lines of cells, each column as wide as its widest; two blanks between them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Names, the first of them by name. */
export function list(names: readonly string[]): string {
  const shown = names.slice(0, LIMITS.listedMax).join(", ");
  const rest = names.length - LIMITS.listedMax;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
