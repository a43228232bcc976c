// What is sealed together for one server, and what waits for room.

import { expect, test } from "bun:test";
import { createChannelQueue } from "../../src/core/channel-queue.ts";
import type { Bytes } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import type { PeerMessage } from "../../src/protocol/peer.ts";

function begin() {
  const state = { sealed: [] as PeerMessage[][], asked: 0, room: true };
  const channel = {
    owes: false,
    send(bytes: Bytes) {
      if (!state.room) return false;
      const value = JSON.parse(new TextDecoder().decode(bytes)) as PeerMessage | PeerMessage[];
      state.sealed.push([value].flat());
      return true;
    },
  };
  const queue = createChannelQueue(channel, () => void (state.asked += 1));
  return { state, channel, queue };
}
const told = (id: number): PeerMessage => ({ t: "told", id: `${id}`, outcome: "delivered" });
const tell = (id: number, text = "hi"): PeerMessage => ({
  t: "tell",
  message: { id: `${id}`, from: "ana@paris", to: "bob@lyon", kind: "text", text, at: id },
});

test("all messages of a tick are one frame, in their order; of the next tick another", () => {
  const { state, queue } = begin();
  for (const id of [1, 2, 3]) queue.add(told(id));
  expect(state).toMatchObject({ sealed: [], asked: 1 });
  queue.flush();
  queue.add(told(4));
  queue.flush();
  queue.flush();
  expect(state).toMatchObject({ sealed: [[1, 2, 3].map(told), [told(4)]], asked: 2 });
});

test("many are several frames, none of them longer than it may be; a long one goes alone", () => {
  const { state, queue } = begin();
  const long = tell(0, "x".repeat(2 * LIMITS.channelBatchLengthMax));
  const all = [...Array.from({ length: 1000 }, (_, id) => told(id)), long, told(1000)];
  for (const one of all) queue.add(one);
  queue.flush();
  expect(state.sealed.flat()).toEqual(all);
  const lengths = state.sealed.map((frame) => JSON.stringify(frame).length);
  expect(lengths.filter((length) => length > LIMITS.channelBatchLengthMax + 2000)).toHaveLength(1);
  expect(state.sealed).toContainEqual([long]);
});

test("what is in no hurry waits for what is, or for an acknowledgement where one is owed", () => {
  const { state, channel, queue } = begin();
  channel.owes = true;
  queue.add(told(1), false);
  queue.add(told(2), false);
  expect(state.asked).toBe(0);
  queue.add(told(3));
  queue.add(told(4), false);
  expect(state.asked).toBe(1);
  queue.flush();
  expect(state.sealed).toEqual([[1, 2, 3, 4].map(told)]);
  queue.add(told(5), false);
  expect(state.asked).toBe(1);
  channel.owes = false;
  queue.add(told(6), false);
  expect(state.asked).toBe(2);
  queue.flush();
  expect(state.sealed.at(-1)).toEqual([told(5), told(6)]);
});

test("what there is no room for waits in its order; of private messages only so many", () => {
  const { state, queue } = begin();
  state.room = false;
  queue.add(tell(-1));
  queue.flush();
  expect(queue.waits).toBe(true);
  let taken = 1;
  while (queue.add(tell(taken))) taken++;
  expect(taken).toBe(LIMITS.privateQueuedMax);
  expect(queue.add(told(taken))).toBe(true);
  state.room = true;
  queue.flush();
  expect(state.sealed).toEqual([]);
  queue.drained();
  expect(queue.waits).toBe(false);
  expect(state.sealed.flat()).toHaveLength(LIMITS.privateQueuedMax + 1);
  expect(state.sealed.flat().at(-1)).toEqual(told(taken));
  expect(queue.add(tell(taken + 1))).toBe(true);
});

test("where there is room, a burst of private messages within one tick is not refused", () => {
  const { state, queue } = begin();
  for (let id = 0; id < 2000; id++) expect(queue.add(tell(id))).toBe(true);
  queue.flush();
  expect(state.sealed.flat()).toHaveLength(2000);
});
