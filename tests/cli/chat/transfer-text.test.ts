// Sizes, times and progress of files, as people are shown them.

import { expect, test } from "bun:test";
import { durationText, progressText, sizeText } from "../../../src/cli/chat/transfer-text.ts";
import { TransferBook } from "../../../src/cli/chat/transfers.ts";

test("sizes and durations are written as people do", () => {
  expect([0, 999, 1000, 12_345, 1e9, 2 ** 50].map(sizeText)).toEqual([
    "0 B",
    "999 B",
    "1.00 kB",
    "12.3 kB",
    "1.00 GB",
    "1.13 PB",
  ]);
  expect([0, 0.2, 59, 61, 3600, 1e9].map(durationText)).toEqual([
    "0:00",
    "0:01",
    "0:59",
    "1:01",
    "1:00:00",
    "99:59:59",
  ]);
});

test("a transfer's line has its rate and the time that is left, at any width", () => {
  const book = new TransferBook();
  const entry = book.sending("bob@lyon", "plan.pdf");
  Object.assign(entry, { state: "running", size: 10_000_000 });
  book.moved(entry, 0, 0);
  book.moved(entry, 2_500_000, 1000);
  const line = progressText(entry, 100);
  expect(line).toStartWith("1 ↑ plan.pdf to bob@lyon  [#");
  expect(line).toEndWith("] 25 %  2.50 MB of 10.0 MB  2.50 MB/s  0:03 left");
  for (const [columns, narrower] of [
    [75, "1 ↑ plan.pdf to bob@lyon  25 %  2.50 MB of 10.0 MB  2.50 MB/s  0:03 left"],
    [65, "1 ↑ plan.pdf to bob@lyon  25 %  2.50 MB of 10.0 MB  0:03 left"],
    [50, "1 ↑ plan.pdf  25 %  2.50 MB of 10.0 MB  0:03 left"],
    [40, "1 ↑ plan.pdf  25 %  0:03 left"],
    [25, "1 ↑ pla…  25 %  0:03 left"],
    [20, "1 ↑ …  25 %  0:03 left"],
  ] as const)
    expect(progressText(entry, columns)).toBe(narrower);
});
