// What a message, a write and a delivery cost, each for itself: cost = a · messages + b · writes +
// c · deliveries. Two loads of one size, of which one needs a write for each delivery and the other
// one few, give b and c at this size. Pure.

/** A load's cost, and what it consists of; all for one delivery. */
export interface Load {
  readonly messages: number;
  readonly writes: number;
  readonly cost: number;
}

/** Loads that differ by fewer writes a delivery than this say nothing of a write. */
const WRITES_APART_MIN = 0.2;

/** By step: what a write and a delivery cost beside `a` for each message; none where unknown. */
export function shares(
  [busy, single]: readonly [Load, Load],
  a: number,
): { readonly write: number; readonly delivery: number } | undefined {
  const apart = single.writes - busy.writes;
  if (Math.abs(apart) < WRITES_APART_MIN) return undefined;
  const [first, second] = [busy, single].map(({ cost, messages }) => cost - a * messages);
  const write = ((second ?? 0) - (first ?? 0)) / apart;
  return { write, delivery: (first ?? 0) - write * busy.writes };
}

/**
 * What a message costs: `a` of the law that fits all loads best, by least squares of the relative
 * faults. 0 where the loads cannot tell: all have as many messages for a delivery.
 */
export function costOfMessage(loads: readonly Load[]): number {
  const rows = loads.map(({ messages, writes, cost }) =>
    [messages, writes, 1].map((n) => n / cost),
  );
  // The normal equations, of which each fault is to be 1.
  const at = (i: number, j: number) =>
    rows.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0);
  const right = (i: number) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0);
  const matrix = [0, 1, 2].map((i) => [0, 1, 2].map((j) => at(i, j)));
  const whole = determinant(matrix);
  const scale = [0, 1, 2].reduce((product, i) => product * at(i, i), 1);
  if (!(whole > scale * SINGULAR)) return 0;
  const replaced = matrix.map((row, i) => [right(i), ...row.slice(1)]);
  return Math.max(0, determinant(replaced) / whole);
}

// --- internal ---

const SINGULAR = 1e-9;

function determinant(matrix: readonly (readonly number[])[]): number {
  const of = (i: number, j: number) => matrix[i % 3]?.[j % 3] ?? 0;
  return [0, 1, 2].reduce(
    (sum, j) => sum + of(0, j) * (of(1, j + 1) * of(2, j + 2) - of(1, j + 2) * of(2, j + 1)),
    0,
  );
}
