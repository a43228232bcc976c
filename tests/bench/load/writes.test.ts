// What `ss` says of connections is added up.

import { expect, test } from "bun:test";
import { segmentsOf } from "./writes.ts";

test("the data segments of all connections are added up, and no others", () => {
  const text = [
    "0 0 127.0.0.1:7 127.0.0.1:8 cubic segs_out:9 segs_in:11 data_segs_out:7 data_segs_in:2",
    "0 0 127.0.0.1:7 127.0.0.1:9 cubic segs_out:30 data_segs_out:15 data_segs_in:4",
    "0 0 127.0.0.1:7 127.0.0.1:10 cubic segs_out:1",
  ].join("\n");
  expect(segmentsOf(text)).toBe(22);
  expect(segmentsOf("")).toBe(0);
});
