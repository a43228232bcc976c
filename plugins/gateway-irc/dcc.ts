// Files of IRC: DCC SEND, a message of CTCP that says where a file can be had, and what is said on
// the connection on which it travels (modern.ircdocs.horse/dcc). Pure. Next: files.ts.

import type { Line } from "./line.ts";

/** What a client says of a file, between \x01 and \x01. */
export interface DccOffer {
  readonly name: string;
  /** As people write it: IPv4, or IPv6 without brackets. */
  readonly address: string;
  /** 0: passive: who is to get it listens, and says where, with the same token. */
  readonly port: number;
  readonly sizeBytes: number;
  readonly token: string | undefined;
}

/** Whether a line is about a file, or about something else that has a connection of its own. */
export const isDcc = ({ command, params }: Line): boolean =>
  command === "PRIVMSG" && params[1]?.startsWith("\x01DCC ") === true;

/** Reads DCC SEND; undefined for other texts, a reason for one that is wrong. */
export function parseSend(text: string): DccOffer | string | undefined {
  const [, quoted, plain, rest = ""] = SEND.exec(insideOf(text)) ?? [];
  const name = quoted ?? plain;
  if (name === undefined) return undefined;
  const [where = "", port = "", size = "", token] = rest.split(" ");
  const address = addressOf(where);
  if (address === undefined) return `address: expected one of IPv4 or IPv6, got ${where}`;
  if (!isCount(port) || Number(port) > 65_535) return `port: expected up to 65535, got ${port}`;
  if (!isCount(size)) return `size: expected a number of bytes, got ${size}`;
  if (port === "0" && !/^\w{1,32}$/.test(token ?? ""))
    return "port: expected one, or 0 with a token behind the size";
  return { name, address, port: Number(port), sizeBytes: Number(size), token };
}

/** The port in DCC RESUME, by which a client asks for the rest of a file; undefined for others. */
export function parseResume(text: string): number | undefined {
  const [, port] = /^DCC RESUME (?:"[^"]*"|\S+) (\d{1,5}) /i.exec(insideOf(text)) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** Writes DCC SEND. */
export function formatSend({ name, address, port, sizeBytes, token }: DccOffer): string {
  const safe = name.replaceAll(/["\p{Cc}]/gu, "_");
  const shown = safe.includes(" ") ? `"${safe}"` : safe;
  const end = token === undefined ? "" : ` ${token}`;
  return `\x01DCC SEND ${shown} ${numberOf(address)} ${port} ${sizeBytes}${end}\x01`;
}

/** IPv6 in its shortest form, so that one address is one text. */
export function canonical(address: string): string {
  if (!address.includes(":")) return address;
  try {
    return new URL(`http://[${address}]`).hostname.slice(1, -1);
  } catch {
    return "";
  }
}

/**
 * What a receiver writes back: how many bytes it has, in 32 bits that start again at 0. Returns
 * what takes the bytes as they come, and tells the last number that is whole.
 */
export function createAcks(): (chunk: Uint8Array) => number | undefined {
  let word = 0; // the last four bytes
  let count = 0;
  return (chunk) => {
    let last: number | undefined;
    for (const byte of chunk) {
      word = (word * 256 + byte) % 2 ** 32;
      count = (count + 1) % 4;
      if (count === 0) last = word;
    }
    return last;
  };
}

export function ackOf(bytes: number): Uint8Array {
  const ack = new Uint8Array(4);
  new DataView(ack.buffer).setUint32(0, bytes % 2 ** 32);
  return ack;
}

// --- internal ---

const SEND = /^DCC SEND (?:"([^"]{1,400})"|([^\s"]\S{0,399})) (.*)$/i;

/** Of a message of CTCP; the sign at its end may be missing. */
const insideOf = (text: string): string => text.slice(1, text.endsWith("\x01") ? -1 : undefined);

/** Up to fifteen digits: less than LIMITS.fileBytesMax. */
const isCount = (text: string): boolean => /^\d{1,15}$/.test(text);

/** IPv4 is written as one number. */
function addressOf(text: string): string | undefined {
  if (isCount(text)) {
    const number = Number(text);
    if (number >= 2 ** 32) return undefined;
    return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
  }
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return text;
  const address = text.includes(":") ? canonical(text) : "";
  return address === "" ? undefined : address;
}

function numberOf(address: string): string {
  if (address.includes(":")) return address;
  return String(address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0));
}
