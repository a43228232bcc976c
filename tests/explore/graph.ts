// A graph of real objects, as a text that is equal for equal states, and as contents that can be
// put back in place. Both walk everything that is reachable: own properties, maps, sets, arrays,
// typed arrays. Nothing is chosen by hand, so a new field of the fabric is part of it at once.
//
// What is not walked, and why that holds:
// 1. Functions. Those of the fabric capture objects that are reachable otherwise, or constants;
//    none has a variable of its own that changes after it is made. (`settle` of an errand captures
//    the errand, which is in the set of errands as long as the function can do anything.) That this
//    is so is tested: the explorer reaches some states of servers again from the start of a life.
// 2. What `constants` holds: the stub host, which is the same for a whole life.
// 3. `UNREAD`: what the fabric only writes, for people.

/** Fields that nothing in the fabric reads back, or that only people are shown. */
const UNREAD: Readonly<Record<string, readonly string[]>> = {
  // Lines for the operator.
  Tree: ["$reporter"],
  // Round-trip times and the numbers of pings: measured and shown.
  Heart: ["rttMs", "$pings", "$ping"],
  // The clock itself: only how far away a time is matters.
  Self: ["now"],
};

/** Tells what is a time: within this of the clock, which begins far from all other numbers. */
const TIME_SPAN = 2 ** 40;

type Content =
  | { readonly is: "object"; readonly keys: readonly string[]; readonly values: readonly unknown[] }
  | { readonly is: "list" | "set"; readonly values: readonly unknown[] }
  | { readonly is: "map"; readonly keys: readonly unknown[]; readonly values: readonly unknown[] };

/** What every object of a graph held at one moment. */
export interface Capture {
  readonly objects: readonly object[];
  readonly contents: readonly Content[];
}

export class Graph {
  /** Objects that are the same for a whole life. */
  readonly constants = new WeakSet<object>();
  /** Immutable values, with their text. */
  readonly #values = new WeakMap<object, string>();
  readonly #texts = new Map<string, string>();
  /** The newest content that was seen of an object, to be shared by captures. */
  readonly #newest = new WeakMap<object, Content>();
  readonly #checked = new Set<unknown>();

  /** Describes all that is reachable; times are given as their distance from `now`. */
  describe(root: object, now: number): string {
    const numbers = new Map<object, number>();
    let text = "";
    const walk = (value: unknown): void => {
      if (typeof value === "number") {
        text += Math.abs(value - now) < TIME_SPAN ? `t${value - now},` : `${value},`;
      } else if (typeof value === "string") text += `'${value}',`;
      else if (typeof value !== "object" || value === null) {
        text += typeof value === "function" ? "f," : `${String(value)},`;
      } else if (this.constants.has(value)) text += "c,";
      else {
        const known = this.#valueOf(value, now);
        if (known !== undefined) {
          text += known;
          return;
        }
        const number = numbers.get(value);
        if (number !== undefined) {
          text += `^${number},`;
          return;
        }
        numbers.set(value, numbers.size);
        const content = contentOf(value);
        const unread = UNREAD[value.constructor.name];
        this.#check(value.constructor);
        text += `${value.constructor.name}{`;
        content.values.forEach((one, at) => {
          if (content.is === "object") {
            if (unread?.includes(content.keys[at] ?? "") === true) return;
            text += `${content.keys[at]}:`;
          } else if (content.is === "map") walk(content.keys[at]);
          walk(one);
        });
        text += "}";
      }
    };
    walk(root);
    return text;
  }

  /** Keeps the contents of all that is reachable. */
  capture(root: object): Capture {
    const objects: object[] = [];
    const contents: Content[] = [];
    const seen = new Set<object>();
    const walk = (value: unknown): void => {
      if (typeof value !== "object" || value === null || seen.has(value)) return;
      if (this.constants.has(value) || isValue(value)) return;
      seen.add(value);
      const content = this.#shared(value, contentOf(value));
      objects.push(value);
      contents.push(content);
      if (content.is === "map") for (const key of content.keys) walk(key);
      for (const one of content.values) walk(one);
    };
    walk(root);
    return { objects, contents };
  }

  /** Puts the contents back, into the same objects. */
  restore({ objects, contents }: Capture): void {
    objects.forEach((object, at) => {
      const content = contents[at];
      if (content !== undefined) put(object, content);
    });
  }

  // --- internal ---

  /** The text of an immutable value: of bytes, and of what is made of them once. */
  #valueOf(value: object, now: number): string | undefined {
    if (!isValue(value)) return undefined;
    const known = this.#values.get(value);
    if (known !== undefined) return known;
    const text = this.#brief(this.#contentOfValue(value, now));
    this.#values.set(value, text);
    return text;
  }

  #contentOfValue(value: object, now: number): string {
    if (ArrayBuffer.isView(value)) return `b${(value as Uint8Array | Int32Array).join()}`;
    // What was read from bytes, or written to them, is said by them.
    if ("bytes" in value && value.bytes instanceof Uint8Array) {
      return `${"looks" in value ? "announcement" : "hello"} ${value.bytes.toHex()}`;
    }
    // The version of a view only counts.
    return Object.entries(value as Record<string, unknown>)
      .map(([key, one]) => (key === "version" ? "" : `${key}=${this.describe({ one }, now)}`))
      .join();
  }

  /** Long texts that come again and again, as a number. */
  #brief(text: string): string {
    let brief = this.#texts.get(text);
    if (brief === undefined) this.#texts.set(text, (brief = `#${this.#texts.size},`));
    return brief;
  }

  #shared(object: object, content: Content): Content {
    const before = this.#newest.get(object);
    if (before !== undefined && same(before, content)) return before;
    this.#newest.set(object, content);
    return content;
  }

  /** A class with private fields would hide a part of the state. */
  #check(made: unknown): void {
    if (this.#checked.has(made)) return;
    this.#checked.add(made);
    const source = Function.prototype.toString.call(made);
    if (/this\.#\w+(?!\w*\()/.test(source))
      throw new Error(`private fields: ${source.slice(0, 60)}`);
  }
}

// --- internal ---

/** Announcements and hellos (with their bytes), judgements, views, typed arrays: never changed. */
function isValue(value: object): boolean {
  if (ArrayBuffer.isView(value)) return true;
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  if ("bytes" in value && ("looks" in value || "dryRun" in value)) return true;
  return ("shortest" in value && "edges" in value) || ("neighbours" in value && "links" in value);
}

function contentOf(value: object): Content {
  if (Array.isArray(value)) return { is: "list", values: value.slice() };
  if (value instanceof Map)
    return { is: "map", keys: [...value.keys()], values: [...value.values()] };
  if (value instanceof Set) return { is: "set", values: [...value] };
  if (value instanceof Promise || value instanceof WeakMap) {
    throw new Error("a promise is under way between two events, or a state cannot be read");
  }
  const keys = Object.keys(value);
  return { is: "object", keys, values: Object.values(value) };
}

function same(a: Content, b: Content): boolean {
  if (a.is !== b.is || a.values.length !== b.values.length) return false;
  for (let at = 0; at < a.values.length; at++) if (a.values[at] !== b.values[at]) return false;
  if (!("keys" in a) || !("keys" in b)) return true;
  for (let at = 0; at < a.keys.length; at++) if (a.keys[at] !== b.keys[at]) return false;
  return true;
}

function put(object: object, content: Content): void {
  if (object instanceof Map && content.is === "map") {
    object.clear();
    content.keys.forEach((key, at) => object.set(key, content.values[at]));
  } else if (object instanceof Set) {
    object.clear();
    for (const value of content.values) object.add(value);
  } else if (Array.isArray(object)) {
    object.length = 0;
    for (const value of content.values) object.push(value);
  } else if (content.is === "object") {
    for (const key of Object.keys(object)) {
      if (!content.keys.includes(key)) Reflect.deleteProperty(object, key);
    }
    content.keys.forEach((key, at) => Reflect.set(object, key, content.values[at]));
  }
}
