// The history on a store: the contract of every history, and what a power cut leaves of it.

import { expect, test } from "bun:test";
import {
  createMemoryStore,
  createWorld,
  logStore,
  setUp,
  testBatch,
  testHistory,
  testStream,
} from "../../src/testing.ts";
import type { Plugin, Store } from "../../src/plugin.ts";

/** The plugin on a store that stays from start to start. */
const on = (store: Store): Plugin => {
  const plugin = logStore();
  return { ...plugin, setup: (context: object) => plugin.setup({ ...context, store }) };
};
const stores = new Map<string, Store>();

testHistory("log-store", (folder) => {
  const store = stores.get(folder) ?? createMemoryStore();
  stores.set(folder, store);
  return on(store);
});

test("what was acknowledged survives a power cut, and a torn last record is cut off", () => {
  const outcomes = new Set<number>();
  for (let seed = 1; seed <= 40; seed += 1) {
    const world = createWorld({ seed });
    const historyOf = (store: Store) =>
      world.until(setUp(on(store), { folder: "none" })).parts.history;
    const history = historyOf(world.environment("paris").store);
    world.until(Promise.resolve(history?.append([testBatch(testStream(), 1, 2)])));
    const second = history?.append([testBatch(testStream(), 3, 1)]);
    Promise.resolve(second).catch(() => undefined);
    world.run(world.random.next() * 10);
    world.crash("paris");
    const after = historyOf(world.environment("paris").store);
    const [end] = world.until(Promise.resolve(after?.streams() ?? []));
    outcomes.add(end?.last ?? 0);
    world.until(Promise.resolve(after?.append([testBatch(testStream({ life: "2" }), 1, 1)])));
    const again = historyOf(world.environment("paris").store);
    expect(world.until(Promise.resolve(again?.streams() ?? []))).toHaveLength(2);
  }
  expect(outcomes).toEqual(new Set([2, 3]));
});
