// The prompt: who types and where it goes, however narrow the terminal is.

import { expect, test } from "bun:test";
import { promptOf } from "../../../src/cli/chat/prompt.ts";

const rows = [
  ["ann@paris", "", 40, "ann@paris> "],
  ["ann@paris", "#tea", 40, "ann@paris #tea> "],
  ["ann@paris", "→ ben@lyon", 40, "ann@paris → ben@lyon> "],
  ["christopher@paris", "#typescript-help", 30, "christophe… #typescript-help> "],
  ["christopher@paris", "→ annabelle-w@paris", 24, "→ annabelle-w@paris> "],
  ["christopher@paris", "#typescript-help", 12, "#typescri…> "],
  ["christopher@paris", "", 12, "christophe> "],
] as const;

for (const [address, sign, width, prompt] of rows)
  test(`of ${address} in ${width} columns, talking to ${sign || "all"}`, () => {
    expect(promptOf(address, sign, width)).toBe(prompt);
    expect(Bun.stringWidth(prompt)).toBeLessThanOrEqual(width);
  });
