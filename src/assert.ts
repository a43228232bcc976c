// Our own mistakes, as opposed to a peer's or a person's: see errors.ts for those.

/** Thrown when this program broke a promise to itself: a bug of ours, never a peer's fault. */
class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws `AssertionError` unless `condition` holds. Not for input: that is refused with a code. */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new AssertionError(`claim broken: ${claim}`);
}

/** Marks a branch that the types say cannot be reached, and names the value if it is reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
