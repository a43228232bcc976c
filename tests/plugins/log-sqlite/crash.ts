// A process to be killed: appends ticks to a log in the folder that it is given, and says on
// stdout which number each commit reached, after it has settled.

import logSqlite from "../../../plugins/log-sqlite.ts";
import { setUp } from "../../../src/testing/context.ts";
import { testBatch, testStream } from "../../../src/testing/history-stage.ts";

const [folder = ""] = process.argv.slice(2);
const { history } = (await setUp(logSqlite(), { folder })).parts;
const streams = ["#one", "#two", "&three"].map((room) => testStream({ room }));

for (let first = 1; ; first += 3) {
  // Two rooms say one thing, one says it in two batches: all of it, or nothing, is there later.
  const [one, two, three] = streams as [never, never, never];
  const tick = [testBatch(one, first, 3), testBatch(two, first, 3)];
  await history?.append([...tick, testBatch(three, first, 1), testBatch(three, first + 1, 2)]);
  process.stdout.write(`${first + 2}\n`);
}
