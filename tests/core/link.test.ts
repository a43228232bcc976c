// A link on the core's wire: what a peer may put into the reason of its end.

import { expect, test } from "bun:test";
import { createLink } from "../../src/core/link.ts";
import type { Wire } from "../../src/environment.ts";
import type { Failure } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { encodeFrame, encodeJson, FRAME, FRAME_HEAD_BYTES } from "../../src/protocol/frame.ts";

function linked() {
  const sent: Uint8Array[] = [];
  const frames: number[] = [];
  let ended: Failure | undefined;
  let closed = "";
  const wire: Wire = {
    remote: "192.0.2.1:7",
    secure: true,
    tls: false,
    fingerprint: undefined,
    send: (_lane, bytes) => sent.push(bytes) > 0,
    sendBorrowed: () => true,
    queuedBytes: () => 0,
    bound() {},
    flush() {},
    pause() {},
    resume() {},
    close: (reason) => {
      closed = reason;
    },
  };
  const handlers = {
    frame: (type: number) => void frames.push(type),
    idle() {},
    closed: (reason: Failure) => {
      ended = reason;
    },
  };
  const live = createLink(wire, () => handlers, { dialled: true, dirty() {} });
  return {
    live,
    frames,
    sent,
    /** The reason of its end, after the transport has told of it. */
    end(): Failure | undefined {
      live.closed(closed);
      return ended;
    },
  };
}

test("the reason that a peer tells is cut to what an operator may read", () => {
  const { live, end } = linked();
  live.link.limit(LIMITS.linkFrameBytesMax);
  live.data(encodeJson(FRAME.error, { code: "MERGE_DENIED", text: "x".repeat(900_000) }));
  const reason = end();
  expect(reason?.code).toBe("MERGE_DENIED");
  expect(reason?.text.length).toBeLessThanOrEqual(2 * LIMITS.reasonBytesMax);
});

test("a reason whose code is none of ours, or no reason at all, is no code", () => {
  for (const value of [
    { code: "toString", text: "x" },
    { code: "__proto__", text: "x" },
    { code: "constructor", text: "x" },
    { code: "merge_denied", text: "x" },
    { code: 7, text: "x" },
    { code: "MERGE_DENIED" },
    { code: "MERGE_DENIED", text: ["\u202e"] },
    { code: "MERGE_DENIED", text: { replace: "\n" } },
    { code: "MERGE_DENIED", text: 7 },
    "MERGE_DENIED",
    null,
    [],
  ]) {
    const { live, end } = linked();
    live.data(encodeJson(FRAME.error, value));
    expect(end(), JSON.stringify(value)).toEqual({ code: "INTERNAL", text: "refused" });
  }
  const { live } = linked();
  live.closed("toString: x");
});

test("lengths at their bounds, before and after the peer is known", () => {
  const head = (length: number, type = 0x13) => {
    const bytes = new Uint8Array(FRAME_HEAD_BYTES);
    new DataView(bytes.buffer).setUint32(0, length);
    bytes[4] = type;
    return bytes;
  };
  for (const limit of [LIMITS.frameBytesMaxBeforeEntry, LIMITS.linkFrameBytesMax]) {
    for (const payload of [0, 1, limit - 1, limit]) {
      const { live, frames } = linked();
      live.link.limit(limit);
      live.data(encodeFrame(0x13, new Uint8Array(payload)));
      expect(frames, `${payload} of ${limit}`).toEqual([0x13]);
    }
    for (const length of [0, limit + 2, 2 ** 31, 2 ** 32 - 1]) {
      const { live, frames, sent, end } = linked();
      live.link.limit(limit);
      live.data(encodeFrame(0x13, new Uint8Array(1)));
      live.data(head(length));
      expect(sent, String(length)).toHaveLength(1);
      const code = length === 0 ? "BAD_FRAME" : "FRAME_TOO_LARGE";
      expect([end()?.code, frames.length]).toEqual([code, 1]);
    }
  }
  const { live, end } = linked();
  live.link.limit(2 ** 40);
  live.data(encodeFrame(0x13, new Uint8Array(1)));
  live.data(head(LIMITS.linkFrameBytesMax + 2));
  expect(end()?.code).toBe("FRAME_TOO_LARGE");
});

test("frames of clients are none of a link's, and nothing is heard after its end", () => {
  for (const type of [0, 1, 2, 4, 5, 6, 7, 15]) {
    const { live, frames, end } = linked();
    live.data(encodeFrame(0x13, new Uint8Array(1)));
    live.data(encodeFrame(type, new Uint8Array(1)));
    live.data(encodeFrame(0x13, new Uint8Array(1)));
    expect([end()?.code, frames.length], String(type)).toEqual(["UNKNOWN_TYPE", 1]);
  }
});
