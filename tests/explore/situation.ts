// The whole world of a configuration at one moment: a number for each server's state, what is on
// its way between them, and what may still befall them. As words (32 bits), it is what is compared.

/** A connection, or what is left of one. An end that is gone hears nothing. */
export interface Connection {
  readonly ends: readonly [End, End];
  /** Both ends will learn of its loss, each in its time; nothing that is sent now arrives. */
  broken: boolean;
}

export interface End {
  readonly server: number;
  /** The server's own number of it; GONE when it has closed it, or died. */
  number: number;
  /** Messages on their way to this end, the oldest first. */
  coming: number[];
}

/** A dial that has not reached its server yet. */
export interface Dialling {
  readonly from: number;
  readonly to: number;
  /** The dialling server's own number of it; GONE when that server has died since. */
  readonly number: number;
  readonly hello: number;
}

export interface Situation {
  readonly locals: number[];
  /** What operators have said, and which of that is answered or will never be: bits. */
  said: number;
  answered: number;
  /** Which links operators have ended: bits. */
  parted: number;
  cuts: number;
  restarts: number;
  restores: number;
  hurries: number;
  /** 1: all that goes on is one merge, begun at rest; 2: one that must be refused. */
  calm: number;
  /** While calm: the servers on both sides of the merge, bits, those of the other side from 4. */
  sides: number;
  /** Alarms that rang while nothing else could happen: they end, or it never comes to rest. */
  waits: number;
  /** Copies of disks, by server; NONE. */
  readonly copies: number[];
  readonly connections: Connection[];
  readonly dials: Dialling[];
}

export const GONE = 31;
export const NONE = -1;

export function copyOf(one: Situation): Situation {
  return {
    ...one,
    locals: one.locals.slice(),
    copies: one.copies.slice(),
    connections: one.connections.map(({ ends: [a, b], broken }) => ({
      ends: [
        { ...a, coming: a.coming.slice() },
        { ...b, coming: b.coming.slice() },
      ],
      broken,
    })),
    dials: one.dials.slice(),
  };
}

/** Writes a situation; equal ones give equal words. */
export function encode(one: Situation): number[] {
  const words = [...one.locals, ...one.copies, (one.said << 16) | one.answered];
  words.push(
    one.cuts |
      (one.restarts << 4) |
      (one.restores << 8) |
      (one.hurries << 12) |
      (one.calm << 16) |
      (one.parted << 18),
    one.waits | (one.sides << 8),
  );
  one.dials.sort((x, y) => x.from - y.from || x.number - y.number || x.hello - y.hello);
  words.push(one.dials.length);
  for (const { from, to, number, hello } of one.dials) {
    words.push(from | (to << 2) | (number << 4) | (hello << 9));
  }
  const left = one.connections.filter(({ ends: [a, b] }) => a.number !== GONE || b.number !== GONE);
  left.sort((x, y) => place(x) - place(y));
  for (const connection of left) {
    const [a, b] = connection.ends;
    words.push(place(connection), a.coming.length | (b.coming.length << 8));
    words.push(...a.coming, ...b.coming);
  }
  return words;
}

export function decode(words: ArrayLike<number>, servers: number): Situation {
  let at = 0;
  const next = () => words[at++] ?? 0;
  const take = (count: number) => Array.from({ length: count }, next);
  const locals = take(servers);
  const copies = take(servers);
  const bits = next();
  const left = next();
  const waits = next();
  const dials = take(next()).map((word) => ({
    from: word & 3,
    to: (word >> 2) & 3,
    number: (word >> 4) & 31,
    hello: word >> 9,
  }));
  const connections: Connection[] = [];
  while (at < words.length) {
    const word = next();
    const lengths = next();
    const a = { server: (word >> 1) & 3, number: (word >> 3) & 31 };
    const b = { server: (word >> 8) & 3, number: (word >> 10) & 31 };
    const coming = [take(lengths & 255), take(lengths >> 8)] as const;
    connections.push({
      ends: [
        { ...a, coming: coming[0] },
        { ...b, coming: coming[1] },
      ],
      broken: (word & 1) === 1,
    });
  }
  return {
    locals,
    copies,
    said: bits >> 16,
    answered: bits & 0xffff,
    cuts: left & 15,
    restarts: (left >> 4) & 15,
    restores: (left >> 8) & 15,
    hurries: (left >> 12) & 15,
    calm: (left >> 16) & 3,
    parted: left >> 18,
    waits: waits & 255,
    sides: waits >> 8,
    connections,
    dials,
  };
}

// --- internal ---

/** Different for all connections of a moment: no two ends of a server have the same number. */
function place({ ends: [a, b], broken }: Connection): number {
  return (broken ? 1 : 0) | (a.server << 1) | (a.number << 3) | (b.server << 8) | (b.number << 10);
}
