// Ranges of network addresses, as an operator writes them: `203.0.113.7`, `203.0.113.0/24`,
// `2001:db8::/32`. RFC 4632 for IPv4, RFC 4291 §2.2 for IPv6; an IPv4 address that is mapped into
// IPv6 is an IPv4 address. Pure.

/** A range in its one form: 16 bytes of which the first `bits` count. */
export interface AddressRange {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** Reads a range; undefined where it is none. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = "", length, more] = text.split("/");
  const bytes = addressBytes(address);
  if (bytes === undefined || more !== undefined) return undefined;
  const isIpv4 = !address.includes(":");
  const bitsMax = isIpv4 ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const bits = length === undefined ? bitsMax : Number(length);
  if (bits > bitsMax) return undefined;
  const all = isIpv4 ? bits + MAPPED_BITS : bits;
  return { bytes: bytes.map((byte, i) => byte & maskOf(all - 8 * i)), bits: all };
}

/** Whether an address is in a range; false for what is no address. */
export function isInRange({ bytes, bits }: AddressRange, address: string): boolean {
  const own = addressBytes(address);
  return own?.every((byte, i) => (byte & maskOf(bits - 8 * i)) === bytes[i]) ?? false;
}

// --- internal -----------------------------------------------------------------------------------

const MAPPED_BITS = 96;

const maskOf = (bits: number): number =>
  bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff;

/** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
function addressBytes(text: string): Uint8Array | undefined {
  const plain = text.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  if (!plain.includes(":")) {
    const four = quadOf(plain);
    return four === undefined ? undefined : Uint8Array.of(...MAPPED, ...four);
  }
  // The last 32 bits may be written as IPv4: RFC 4291 §2.2.3.
  const [, quad = ""] = /:(\d+\.\d+\.\d+\.\d+)$/.exec(plain) ?? [];
  const [a = 0, b = 0, c = 0, d = 0] = quadOf(quad) ?? [];
  const hex = quad === "" ? plain : plain.replace(quad, `${groupOf(a, b)}:${groupOf(c, d)}`);
  if (quad !== "" && quadOf(quad) === undefined) return undefined;
  const halves = hex.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  if (groups.flat().some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const bytesOf = (some: readonly string[]) =>
    some.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
  const [first = [], last] = groups;
  const begin = bytesOf(first);
  const end = bytesOf(last ?? []);
  const missing = 16 - begin.length - end.length;
  if (last === undefined ? missing !== 0 : missing < 1) return undefined;
  return Uint8Array.of(...begin, ...Array.from({ length: missing }, () => 0), ...end);
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] as const;

const groupOf = (high: number, low: number): string => ((high << 8) | low).toString(16);

function quadOf(text: string): number[] | undefined {
  const parts = text.split(".");
  const isQuad = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part));
  const numbers = parts.map(Number);
  return isQuad && numbers.every((one) => one <= 255) ? numbers : undefined;
}
