// Bytes that nobody honest sends, given to the pure part of the protocol: each is refused by its
// code, before memory is reserved for it.

import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { ProtocolError } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { ByteReader } from "../../src/protocol/bytes.ts";
import { decodeJson, encodeFrame, FRAME, FrameReader } from "../../src/protocol/frame.ts";
import { ClientHello, LinkHello, parseHello } from "../../src/protocol/hello.ts";
import { Login, type RequestName, requestShape } from "../../src/protocol/messages.ts";
import { DirectoryFrame, PeerMessage } from "../../src/protocol/peer.ts";
import { readChunk } from "../../src/protocol/transfer.ts";

const utf8 = new TextEncoder();
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "taken";
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return thrown.code;
    throw thrown;
  }
};

/** The head of a frame that claims a length. */
function claim(length: number, type = FRAME.say): Uint8Array {
  const head = new Uint8Array(5);
  new DataView(head.buffer).setUint32(0, length);
  head[4] = type;
  return head;
}

describe("the length of a frame", () => {
  const limit = LIMITS.frameBytesMax;
  const lengths: readonly (readonly [number, string])[] = [
    [0, "BAD_FRAME"],
    [1, "taken"],
    [limit, "taken"],
    [limit + 1, "taken"],
    [limit + 2, "FRAME_TOO_LARGE"],
    [2 ** 31 - 1, "FRAME_TOO_LARGE"],
    [2 ** 31, "FRAME_TOO_LARGE"],
    [2 ** 32 - 1, "FRAME_TOO_LARGE"],
    [0x47455420, "FRAME_TOO_LARGE"], // "GET "
    [0x16030100, "FRAME_TOO_LARGE"], // a TLS hello
  ];
  for (const [length, code] of lengths) {
    const rule = code === "BAD_FRAME" ? "P4" : "P5";
    test(`${rule}: ${length} is ${code}, at once and byte by byte`, () => {
      expect(codeOf(() => new FrameReader(limit).push(claim(length), () => {}))).toBe(code);
      const reader = new FrameReader(limit);
      const slowly = () => {
        for (const byte of claim(length)) reader.push(Uint8Array.of(byte), () => {});
      };
      expect(codeOf(slowly)).toBe(code);
    });
  }

  test("P5: of 4 GiB costs no memory", () => {
    const reader = new FrameReader(limit);
    expect(codeOf(() => reader.push(claim(2 ** 32 - 1), () => {}))).toBe("FRAME_TOO_LARGE");
    expect(reader.heldBytes).toBe(0);
  });

  test("P5: the frame that is refused is named with both lengths", () => {
    const push = () => new FrameReader(10).push(claim(100), () => {});
    expect(push).toThrow("say: a payload of 99 bytes, expected at most 10");
  });

  test("a frame that ends early is not handed on", () => {
    const frame = encodeFrame(FRAME.say, utf8.encode("{}"));
    for (let at = 0; at < frame.length; at++) {
      const reader = new FrameReader(limit);
      let frames = 0;
      reader.push(frame.subarray(0, at), () => void frames++);
      expect({ frames, held: reader.heldBytes }).toEqual({ frames: 0, held: at });
    }
  });
});

describe("a payload", () => {
  const bad: readonly (readonly [string, readonly number[]])[] = [
    ["a lone continuation byte", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an overlong NUL", [0xe0, 0x80, 0x80]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a code point beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["a sequence of five bytes", [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ["the byte 0xff", [0xff]],
    ["a sequence cut short", [0xe2, 0x82]],
  ];
  for (const [name, bytes] of bad) {
    test(`P6: with ${name} is BAD_UTF8`, () => {
      const payload = Uint8Array.of(0x22, ...bytes, 0x22);
      expect(codeOf(() => decodeJson(payload))).toBe("BAD_UTF8");
    });
  }

  const texts: readonly (readonly [string, string, string])[] = [
    ["nothing", "", "BAD_FRAME"],
    ["half an object", '{"a":', "BAD_FRAME"],
    ["two objects", "{}{}", "BAD_FRAME"],
    ["a byte order mark", "\ufeff{}", "BAD_FRAME"],
    ["a comment", "{/**/}", "BAD_FRAME"],
    ["NaN", '{"a":NaN}', "BAD_FRAME"],
    ["64 KiB of [", "[".repeat(65_536), "BAD_FRAME"],
    ["64 KiB of {", '{"a":'.repeat(13_107), "BAD_FRAME"],
    ["16 deep", "[".repeat(16) + "]".repeat(16), "taken"],
    ["17 deep", "[".repeat(17) + "]".repeat(17), "BAD_FRAME"],
    ["17 deep behind a string of brackets", `["]]]]","\\"",${"[".repeat(16)}`, "BAD_FRAME"],
    ["many brackets in a string", JSON.stringify("[{".repeat(1000)), "taken"],
    ["many brackets side by side", `[${"[],".repeat(1000)}[]]`, "taken"],
    ["an unfinished string of brackets", `{"${"[".repeat(1000)}`, "BAD_FRAME"],
    ["a string that ends in a backslash", `["\\`, "BAD_FRAME"],
  ];
  for (const [name, text, code] of texts) {
    test(`P7: of ${name} is ${code}`, () => {
      expect(codeOf(() => decodeJson(utf8.encode(text)))).toBe(code);
    });
  }

  test("P8: that holds a key twice means the last one", () => {
    expect(decodeJson(utf8.encode('{"a":1,"a":2}'))).toEqual({ a: 2 });
  });

  test("P8: that names __proto__ changes no prototype", () => {
    const text = '{"__proto__":{"room":"#x"},"constructor":{},"text":"hi"}';
    const value = decodeJson(utf8.encode(text));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(v.safeParse(requestShape("say"), value).success).toBe(false);
    const heads = '{"t":"stand","heads":{"__proto__":1,"constructor":2,"#go":3}}';
    const parsed = v.parse(PeerMessage, decodeJson(utf8.encode(heads)));
    expect(parsed).toEqual({ t: "stand", heads: { "#go": 3 } });
  });
});

describe("a chunk", () => {
  const head = new Uint8Array(24);
  const far = new Uint8Array(25).fill(255);
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["without a byte", head, "BAD_FRAME"],
    ["without its head", new Uint8Array(23), "BAD_FRAME"],
    ["of nothing at all", new Uint8Array(0), "BAD_FRAME"],
    ["of one byte", new Uint8Array(25), "taken"],
    ["of 65,536 bytes", new Uint8Array(24 + LIMITS.chunkBytesMax), "taken"],
    ["of 65,537 bytes", new Uint8Array(25 + LIMITS.chunkBytesMax), "BAD_FRAME"],
    ["at offset 2^64 - 1", far, "BAD_FRAME"],
    ["beyond the largest file", chunkAt(2n ** 50n + 1n), "BAD_FRAME"],
    ["at the end of the largest file", chunkAt(2n ** 50n), "taken"],
  ];
  for (const [name, payload, code] of cases) {
    test(`P34: ${name} is ${code}`, () => expect(codeOf(() => readChunk(payload))).toBe(code));
  }
});

function chunkAt(offset: bigint): Uint8Array {
  const payload = new Uint8Array(25);
  new DataView(payload.buffer).setBigUint64(16, offset);
  return payload;
}

describe("a hello", () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["that is null", null, "BAD_FRAME"],
    ["without a version", {}, "BAD_FRAME"],
    ["whose version is a text", { version: "1.0" }, "BAD_FRAME"],
    ["of major version 0", { version: { major: 0, minor: 9 } }, "VERSION"],
    ["of major version 2", { version: { major: 2, minor: 0 } }, "VERSION"],
    [
      "of major version 2 in another form",
      { version: { major: 2, minor: 0 }, agent: 7 },
      "VERSION",
    ],
    ["of minor version 7", { version: { major: 1, minor: 7 }, colour: "red" }, "taken"],
    ["with a long agent", { version: { major: 1, minor: 0 }, agent: "x".repeat(129) }, "BAD_FRAME"],
    [
      "with 65 abilities",
      { version: { major: 1, minor: 0 }, abilities: Array<string>(65).fill("x") },
      "BAD_FRAME",
    ],
  ];
  for (const [name, value, code] of cases) {
    test(`P10: ${name} is ${code}`, () => {
      expect(codeOf(() => parseHello(ClientHello, value))).toBe(code);
    });
  }

  test("of a link with a long hello of its fabric is BAD_FRAME", () => {
    const link = { version: { major: 1, minor: 0 }, fabric: "tree/1", hello: "A".repeat(2801) };
    expect(codeOf(() => parseHello(LinkHello, link))).toBe("BAD_FRAME");
  });
});

const searches = [
  { text: 1 },
  { text: "x".repeat(257) },
  { text: "é".repeat(129) },
  { text: "a", room: null },
  { text: "a", from: ["ana@paris"] },
  { text: "a", before: 7 },
  { text: "a", before: "x".repeat(65) },
  { text: "a", limit: 0 },
  { text: "a", limit: 51 },
  { text: "a", limit: 1.5 },
];

const badOthers = {
  conversation: [
    {},
    { with: 1 },
    { with: "a@b", limit: 201 },
    { with: "a@b", after: "x".repeat(65) },
  ],
  conversations: [{ limit: 0 }, { limit: 201 }, { before: "x".repeat(65) }, { before: 1 }],
  forget: [{}, { with: 1 }, { with: "a@b", id: "" }, { with: "a@b", id: "x".repeat(65) }],
  room: [{}, { room: 1 }, { room: "#x", limit: 201 }, { room: "#x", after: "" }],
  set: [
    {},
    { room: "#x" },
    { room: "#x", key: "" },
    { room: "#x", key: "k".repeat(321) },
    { room: "#x", key: "topic", value: false },
    { room: "#x", key: "ban/a@b", value: { reason: 1 } },
    { room: "#x", key: "ban/a@b", value: { reason: "x".repeat(513) } },
    { room: "#x", key: "ban/a@b", value: { until: -1 } },
  ],
  kick: [{}, { room: "#x" }, { room: "#x", address: 1 }, { address: "a@b" }],
};

describe("a field of a wrong type, or out of its bound", () => {
  const hex = (count: number) => "a".repeat(count);
  const long = "x".repeat(65);
  const transfer = hex(32);
  const bad: Readonly<Record<RequestName, readonly unknown[]>> = {
    say: [{}, { room: "#x" }, { room: 1, text: "x" }, { room: "#x", text: 1 }].concat([
      { room: "#x", text: "x", kind: "shout" } as never,
      { room: "#x", text: "x", cid: "" } as never,
      { room: "#x", text: "x", cid: long } as never,
      { room: "#".repeat(259), text: "x" } as never,
    ]),
    tell: [{ text: "x" }, { to: ["a@b"], text: "x" }, { to: "a@b", text: null }],
    join: [{}, { room: null }, { room: { toString: "x" } }],
    part: [{}, { room: "#x", reason: "x".repeat(513) }, { room: "#x", reason: 1 }],
    rename: [{}, { nick: 1 }, { nick: "a", password: 1 }],
    who: [{ limit: 0 }, { limit: 201 }, { limit: 1.5 }, { limit: "9" }, { after: 1 }, { room: 1 }],
    whois: [{}, { address: 1 }],
    watch: [{}, { addresses: [] }, { addresses: "a@b" }, { addresses: Array(101).fill("a@b") }],
    typing: [{ room: 1 }, { to: {} }, { room: "#x".repeat(200) }],
    away: [{ text: 1 }, { text: "x".repeat(513) }],
    read: [{}, { room: 1 }, { room: "#x", id: "" }, { room: "#x", id: long }],
    ignore: [{}, { address: 1 }],
    unignore: [{}, { address: "a".repeat(259) }],
    ignored: [null, 1, "x"],
    unwatch: [{}, { addresses: [1] }, { addresses: ["a".repeat(259)] }],
    ...badOthers,
    rooms: [{ limit: -1 }, { limit: 1e300 }, { after: {} }],
    search: searches,
    history: [{}, { room: "#x", limit: 201 }, { room: "#x", before: long }, { since: 1 }],
    fusion: [null, 1, "x"],
    command: [
      {},
      { name: "x" },
      { name: "x", args: "y" },
      { name: "x", args: Array<string>(33).fill("y") },
      { name: "x", args: ["y".repeat(16_385)] },
    ],
    commands: [null, 1, "x"],
    offer: [
      { to: "a@b", name: "", size: 1 },
      { to: "a@b", name: "x", size: -1 },
      { to: "a@b", name: "x", size: 2 ** 50 + 1 },
      { to: "a@b", name: "x", size: 1, sha256: hex(63) },
      { to: "a@b", name: "x", size: 1, sha256: "A".repeat(64) },
      { to: "a@b", name: "x", size: 1, mediaType: "x".repeat(129) },
      { to: "a@b", name: "x".repeat(1021), size: 1 },
    ],
    accept: [{}, { transfer: hex(31) }, { transfer, offset: -1 }, { transfer, offset: 0.5 }],
    reject: [{}, { transfer: hex(33) }, { transfer, reason: 1 }],
    cancel: [{}, { transfer, code: "KICKED" }, { transfer, code: 1 }],
    finish: [{ transfer }, { transfer, sha256: 1 }, { sha256: hex(64) }],
    credit: [{ transfer }, { transfer, upTo: -1 }, { transfer, upTo: 2 ** 53 }],
    done: [{ transfer }, { transfer, sha256: hex(65) }],
  };
  for (const [name, values] of Object.entries(bad)) {
    test(`P19: ${name} is refused in ${values.length} ways`, () => {
      const shape = requestShape(name as RequestName);
      expect(values.filter((value) => v.safeParse(shape, value).success)).toEqual([]);
    });
  }

  const logins: readonly unknown[] = [
    {},
    { nick: 1 },
    { nick: "x".repeat(259) },
    { nick: "a", password: 1 },
    { nick: "a", resume: {} },
    { nick: "a", resume: { token: "x".repeat(65), received: 0 } },
    { nick: "a", resume: { token: "x", received: -1 } },
    { nick: "a", resume: { token: "x", received: 1.5 } },
  ];
  test(`a login is refused in ${logins.length} ways`, () => {
    expect(logins.filter((value) => v.safeParse(Login, value).success)).toEqual([]);
  });
});

describe("between servers", () => {
  const crowd = Array.from({ length: LIMITS.directoryPageMax + 1 }, () => ["a", "", 0, []]);
  const peer: readonly unknown[] = [
    null,
    {},
    { t: "__proto__" },
    { t: "view", digest: 1 },
    { t: "people", v: 1, first: true, last: true, people: [["a", "", 0, Array(501).fill("#x")]] },
    { t: "people", v: 1, first: true, last: true, people: crowd },
    { t: "want", room: "#x", from: 1 },
    { t: "told", id: "x", outcome: "lost" },
    { t: "accepted", transfer: "zz", offset: 0, upTo: 0 },
  ];
  test(`a message is refused in ${peer.length} ways`, () => {
    expect(peer.filter((value) => v.safeParse(PeerMessage, value).success)).toEqual([]);
  });

  const frames: readonly unknown[] = [
    { v: 1, changes: [] },
    { life: "x".repeat(17), v: 1, changes: [] },
    { life: "0", v: -1, changes: [] },
    { life: "0", v: 1, changes: [{ op: "own", nick: "a" }] },
    { life: "0", v: 1, changes: [{ op: "come", nick: "a" }] },
    { life: "0", v: 1, changes: [], heads: { "#x": -1 } },
  ];
  test(`a directory frame is refused in ${frames.length} ways`, () => {
    expect(frames.filter((value) => v.safeParse(DirectoryFrame, value).success)).toEqual([]);
  });

  test("a binary text that is not UTF-8 is BAD_UTF8", () => {
    expect(codeOf(() => new ByteReader(Uint8Array.of(2, 0xc0, 0xaf)).text())).toBe("BAD_UTF8");
  });

  test("a count above 2^53 - 1 is BAD_FRAME", () => {
    expect(codeOf(() => new ByteReader(Uint8Array.of(0, 32, 0, 0, 0, 0, 0, 0)).u64())).toBe(
      "BAD_FRAME",
    );
  });
});
