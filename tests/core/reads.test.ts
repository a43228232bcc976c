// Who reads much of the history keeps nobody else from reading it, nor the server from its disk.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { lobby, say, Town } from "./town.ts";

const page = { room: lobby, after: "0" };

/** Makes reads of the history take until they are let go, one by one. */
function held(town: Town) {
  const history = town.histories.get("paris")!;
  const onward = history.onward.bind(history);
  const waiting: (() => void)[] = [];
  history.onward = ((...asked: Parameters<typeof onward>) =>
    new Promise((resolve) => waiting.push(() => resolve(onward(...asked))))) as never;
  return waiting;
}

test("a page of each session is read at a time, and who asks for many waits for himself", () => {
  const town = new Town("many pages", ["paris"]);
  const [ana, bob] = [town.enter("paris", "ana"), town.enter("paris", "bob")];
  say(ana, "hello");
  const waiting = held(town);
  const many = Array.from({ length: 300 }, () => ana.request("history", page));
  const one = bob.request("history", page);
  town.place.rest(100);
  expect(waiting).toHaveLength(2);
  waiting.splice(0).forEach((go) => go());
  town.place.rest(100);
  expect(bob.answer(one)?.value["messages"]).toHaveLength(1);
  expect(many.filter((ref) => ana.answer(ref) !== undefined)).toHaveLength(1);
  while (waiting.length > 0) {
    waiting.splice(0).forEach((go) => go());
    town.place.rest(5);
  }
  expect(many.map((ref) => ana.answer(ref)?.name)).toEqual(many.map(() => "ack"));
});

test("a crowd that comes back and reads has its answers, so many at a time", () => {
  const town = new Town("a crowd", ["paris"]);
  const crowd = Array.from({ length: LIMITS.historyReadsMax + 1 }, (_, at) =>
    town.enter("paris", `guest${at}`),
  );
  say(crowd[0]!, "hello");
  const waiting = held(town);
  const refs = crowd.map((peer) => [peer, peer.request("history", page)] as const);
  town.place.rest(100);
  expect(waiting).toHaveLength(LIMITS.readsAtOnceMax);
  crowd.at(-1)!.close(); // while it waits
  while (waiting.length > 0) {
    waiting.splice(0).forEach((go) => go());
    town.place.rest(20);
  }
  const answered = refs.filter(([peer, ref]) => peer.answer(ref)?.name === "ack");
  expect(answered).toHaveLength(crowd.length - 1);
});

test("what one session wants to be read is bounded", () => {
  const town = new Town("too many", ["paris"]);
  const ana = town.enter("paris", "ana");
  const waiting = held(town);
  const refs = Array.from({ length: LIMITS.requestsInFlightMax + 2 }, () =>
    ana.request("history", page),
  );
  town.place.rest(100);
  const refused = refs.filter((ref) => ana.answer(ref)?.value["code"] === "QUEUE_FULL");
  expect(refused).toEqual(refs.slice(-1));
  expect(waiting).toHaveLength(1);
});
