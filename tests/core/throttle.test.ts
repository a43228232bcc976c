// The throttle of password tries: by address and nick, by address, by nick; and its bounds.

import { describe, expect, test } from "bun:test";
import { createThrottle } from "../../src/core/throttle.ts";
import { LIMITS } from "../../src/limits.ts";
import { type Nick, parseNick } from "../../src/names.ts";
import { createManualClock } from "../../src/testing/context.ts";

const minute = 60_000;
const ana = parseNick("ana");

function begin() {
  const clock = createManualClock();
  const throttle = createThrottle(clock);
  /** How many of `tries` at once go on. */
  const passed = (remote: string, nick = ana, tries = 1000): number =>
    Array.from({ length: tries }, () => throttle.try(remote, nick)).filter((ms) => ms === 0).length;
  return { clock, throttle, passed };
}

describe("from one address", () => {
  test("a nick has five tries in a minute, through whatever ports", () => {
    const { passed } = begin();
    const remotes = Array.from({ length: 1000 }, (_, port) => `127.0.0.1:${port + 1000}`);
    const all = remotes.reduce((sum, remote) => sum + passed(remote, ana, 1), 0);
    expect(all).toBe(LIMITS.loginTriesPerNickMax);
  });

  test("after five tries one is allowed after a minute, then after waits that double to 15", () => {
    const { clock, throttle, passed } = begin();
    expect(passed("10.0.0.1:1")).toBe(5);
    for (const minutes of [1, 2, 4, 8, 15, 15, 15]) {
      expect(throttle.try("10.0.0.1:1", ana)).toBe(minutes * minute);
      clock.advance(minutes * minute - 1);
      expect(throttle.try("10.0.0.1:1", ana)).toBe(1);
      clock.advance(1);
      expect(passed("10.0.0.1:1")).toBe(1);
    }
  });

  test("to be refused makes no wait longer", () => {
    const { clock, throttle, passed } = begin();
    passed("10.0.0.1:1");
    clock.advance(minute - 1);
    for (let n = 0; n < 1000; n += 1) expect(throttle.try("10.0.0.1:1", ana)).toBe(1);
  });

  test("who keeps still for long begins anew", () => {
    const { clock, passed } = begin();
    passed("10.0.0.1:1");
    clock.advance(minute + LIMITS.loginBackoffMsMax);
    expect(passed("10.0.0.1:1")).toBe(LIMITS.loginTriesPerNickMax);
  });

  test("all nicks together have twenty wrong tries a minute", () => {
    const { clock, throttle } = begin();
    const nicks = Array.from({ length: 500 }, (_, index) => parseNick(`nick${index}x`));
    const isLookedAt = (nick: Nick) => {
      if (throttle.try("10.0.0.1:1", nick) > 0) return false;
      throttle.failed("10.0.0.1:1", nick);
      return true;
    };
    const passed = () => nicks.filter(isLookedAt).length;
    expect(passed()).toBe(LIMITS.loginTriesPerAddressMax);
    expect(throttle.try("10.0.0.1:1", ana)).toBe(minute / LIMITS.loginTriesPerAddressMax);
    clock.advance(minute);
    expect(passed()).toBe(LIMITS.loginTriesPerAddressMax);
  });

  test("those that are looked at at once are counted when they were wrong, and owed", () => {
    const { clock, throttle } = begin();
    const nicks = Array.from({ length: 40 }, (_, index) => parseNick(`nick${index}x`));
    for (const nick of nicks) expect(throttle.try("10.0.0.1:1", nick)).toBe(0);
    for (const nick of nicks) throttle.failed("10.0.0.1:1", nick);
    expect(throttle.try("10.0.0.1:1", ana)).toBe(minute + minute / 20);
    clock.advance(minute);
    expect(throttle.try("10.0.0.1:1", ana)).toBe(minute / 20);
    clock.advance(minute / 20);
    expect(throttle.try("10.0.0.1:1", ana)).toBe(0);
  });

  test("look-alikes and other letters are one nick", () => {
    const { throttle, passed } = begin();
    expect(passed("10.0.0.1:1", parseNick("Ilya"))).toBe(5);
    for (const nick of ["ilya", "1LYA", "llya"]) {
      expect(throttle.try("10.0.0.1:1", parseNick(nick))).toBeGreaterThan(0);
    }
  });
});

describe("a right password", () => {
  test("gives its try back, so that a class behind one address logs in", () => {
    const { throttle } = begin();
    for (let n = 0; n < 500; n += 1) {
      const nick = parseNick(`pupil${n}x`);
      expect(throttle.try("10.0.0.1:1", nick)).toBe(0);
      throttle.succeeded("10.0.0.1:1", nick);
    }
  });

  test("gives back no more than its own: wrong ones at other nicks stay counted", () => {
    const { throttle } = begin();
    let wrong = 0;
    for (let n = 0; n < 500; n += 1) {
      const own = parseNick("mallory");
      if (throttle.try("10.0.0.1:1", own) === 0) throttle.succeeded("10.0.0.1:1", own);
      const victim = parseNick(`victim${n}x`);
      if (throttle.try("10.0.0.1:1", victim) > 0) continue;
      throttle.failed("10.0.0.1:1", victim);
      wrong += 1;
    }
    expect(wrong).toBeLessThanOrEqual(LIMITS.loginTriesPerAddressMax);
  });
});

test("a try that was not looked at counts for nothing, and forgives nothing", () => {
  const { throttle, passed } = begin();
  for (let n = 0; n < 100; n += 1) {
    expect(throttle.try("10.0.0.1:1", ana)).toBe(0);
    throttle.untried("10.0.0.1:1", ana);
  }
  expect(passed("10.0.0.1:1")).toBe(LIMITS.loginTriesPerNickMax);
  throttle.untried("10.0.0.1:1", ana);
  expect(passed("10.0.0.1:1")).toBe(1);
});

describe("from many addresses", () => {
  test("one nick is guessed at a budgeted number of times, and its owner still gets in", () => {
    const { clock, throttle, passed } = begin();
    let guesses = 0;
    for (let round = 0; round < 5; round += 1) {
      for (let host = 1; host <= 200; host += 1) guesses += passed(`127.0.0.${host}:1`, ana, 1);
    }
    // Some have all five before the nick is hot, the others one.
    expect(guesses).toBeLessThanOrEqual(200 + LIMITS.loginTriesPerAddressMax);
    expect(throttle.try("192.0.2.1:1", ana)).toBe(0);
    clock.advance(10 * minute);
    expect(passed("192.0.2.2:1")).toBe(LIMITS.loginTriesPerNickMax);
  });

  test("the table is bounded, and the longest untouched address is forgotten first", () => {
    const { passed } = begin();
    expect(passed("10.0.0.1:1")).toBe(5);
    for (let n = 0; n < LIMITS.loginAddressesMax - 1; n += 1) {
      passed(`11.${n >> 16}.${(n >> 8) & 255}.${n & 255}:1`, parseNick("ben"), 1);
    }
    expect(passed("10.0.0.1:1")).toBe(0);
    passed("12.0.0.1:1", parseNick("ben"), 1);
    expect(passed("10.0.0.1:1")).toBeGreaterThan(0);
  });
});

describe("an address is", () => {
  const same: [string, string][] = [
    ["[2001:db8::1]:1", "[2001:db8:0:0:ffff::1]:2"],
    ["[2001:0db8:0::1]:1", "[2001:DB8::2]:1"],
    ["[::ffff:10.0.0.1]:1", "10.0.0.1:2"],
    ["[fe80::1%eth0]:1", "[fe80::2]:1"],
    ["[::1]:1", "[::1]:2"],
  ];
  for (const [one, other] of same) {
    test(`${one} as ${other}`, () => {
      const { passed } = begin();
      expect(passed(one)).toBe(5);
      expect(passed(other)).toBe(0);
    });
  }

  const different: [string, string][] = [
    ["[2001:db8::1]:1", "[2001:db8:0:1::1]:1"],
    ["10.0.0.1:1", "10.0.0.2:1"],
    ["[::1]:1", "127.0.0.1:1"],
  ];
  for (const [one, other] of different) {
    test(`${one} and not ${other}`, () => {
      const { passed } = begin();
      expect(passed(one)).toBe(5);
      expect(passed(other)).toBeGreaterThan(0);
    });
  }
});
