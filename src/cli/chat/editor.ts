// The line that is being typed: its text, the cursor, and what was typed before. Keys go in; it
// knows no terminal. Pure.

import { LIMITS } from "../../limits.ts";

/** As node:readline's `keypress` tells it. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
}

export type EditorAction =
  | { readonly type: "none" | "changed" | "complete" | "refused" }
  | { readonly type: "interrupt" | "suspend" | "end" | "clear" }
  | { readonly type: "line"; readonly line: string };

const none = { type: "none" } as const;
const changed = { type: "changed" } as const;

export class Editor {
  /** Grapheme by grapheme, so that a cursor never stands inside of one. */
  #before: string[] = [];
  #after: string[] = [];
  #bytes = 0;
  readonly #history: string[] = [];
  /** Which of the history is shown; its length when none is. */
  #at = 0;
  #draft = "";
  #killed = "";
  /** A paste that has not ended; its pieces are taken together, and dropped when it is too long. */
  #paste: { readonly pieces: string[]; bytes: number } | undefined;

  get text(): string {
    return this.before + this.after;
  }
  /** What stands before the cursor. */
  get before(): string {
    return this.#before.join("");
  }
  get after(): string {
    return this.#after.join("");
  }
  /** The first character before the cursor, without a look at all the others. */
  get first(): string {
    return this.#before[0] ?? "";
  }

  /** Up to so many characters on each side of the cursor, each of them whole. */
  around(count: number): { readonly before: string; readonly after: string } {
    const [before, after] = [this.#before.slice(-count), this.#after.slice(0, count)];
    return { before: before.join(""), after: after.join("") };
  }

  /** Puts another text in place of what stands before the cursor. */
  replaceBefore(text: string): void {
    this.#before = graphemes(text);
    this.#measure();
  }

  /**
   * Takes a key or a piece of pasted text, and tells what is to be done about it. No other came for
   * `stillMs` before it.
   */
  key(typed: string | undefined, key: Key, stillMs = 0): EditorAction {
    if (key.name === "paste-start") {
      this.#paste = { pieces: [], bytes: 0 };
      return none;
    }
    if (key.name === "paste-end") return this.#pasted();
    if (this.#paste !== undefined) {
      // Its end is lost, and every key would go on being a part of it. In one that comes on, a
      // Ctrl-C is text: what stands behind it must not be typed.
      const isLeft = key.ctrl === true && key.name === "c" && stillMs >= LIMITS.pasteStillMs;
      return isLeft ? this.#pasted() : this.#pasting(typed ?? key.sequence ?? "");
    }
    if (key.ctrl === true) return this.#control(key.name ?? "");
    if (key.meta === true) return this.#meta(key.name ?? "");
    return this.#plain(typed, key);
  }

  // --- internal ---------------------------------------------------------------------------------

  #plain(typed: string | undefined, key: Key): EditorAction {
    switch (key.name) {
      case "return":
      case "enter":
        return this.#submit();
      case "tab":
        return { type: "complete" };
      case "backspace":
        return this.#edit(() => void this.#before.pop());
      case "delete":
        return this.#edit(() => void this.#after.shift());
      case "left":
        return this.#edit(() => this.#move(-1));
      case "right":
        return this.#edit(() => this.#move(1));
      case "home":
        return this.#edit(() => this.#move(-Infinity));
      case "end":
        return this.#edit(() => this.#move(Infinity));
      case "up":
        return this.#recall(-1);
      case "down":
        return this.#recall(1);
      default: {
        const isText = typed !== undefined && typed !== "" && !/^\p{Cc}/u.test(typed);
        return isText ? this.#insert(typed) : none;
      }
    }
  }

  #control(name: string): EditorAction {
    switch (name) {
      case "c":
        return this.#interrupt();
      case "d":
        if (this.#before.length + this.#after.length === 0) return { type: "end" };
        return this.#edit(() => void this.#after.shift());
      case "a":
        return this.#edit(() => this.#move(-Infinity));
      case "e":
        return this.#edit(() => this.#move(Infinity));
      case "b":
        return this.#edit(() => this.#move(-1));
      case "f":
        return this.#edit(() => this.#move(1));
      case "h":
        return this.#edit(() => void this.#before.pop());
      case "j":
      case "m":
        return this.#submit();
      case "k":
        return this.#edit(() => (this.#killed = this.#after.splice(0).join("")));
      case "u":
        return this.#edit(() => (this.#killed = this.#before.splice(0).join("")));
      case "w":
        return this.#edit(() => this.#killWord());
      case "y":
        return this.#insert(this.#killed);
      case "l":
        return { type: "clear" };
      case "z":
        return { type: "suspend" };
      case "p":
        return this.#recall(-1);
      case "n":
        return this.#recall(1);
      case "left":
        return this.#edit(() => this.#move(-this.#wordBefore()));
      case "right":
        return this.#edit(() => this.#move(this.#wordAfter()));
      default:
        return none;
    }
  }

  #meta(name: string): EditorAction {
    switch (name) {
      case "b":
        return this.#edit(() => this.#move(-this.#wordBefore()));
      case "f":
        return this.#edit(() => this.#move(this.#wordAfter()));
      case "backspace":
        return this.#edit(() => this.#killWord());
      case "d":
        return this.#edit(() => {
          this.#killed = this.#after.splice(0, this.#wordAfter()).join("");
        });
      default:
        return none;
    }
  }

  #edit(change: () => unknown): EditorAction {
    change();
    this.#measure();
    return changed;
  }

  #insert(text: string): EditorAction {
    if (text === "") return none;
    const bytes = Buffer.byteLength(text);
    if (this.#bytes + bytes > LIMITS.lineBytesMax) return { type: "refused" };
    // What is typed may join the character before it: a mark, the second half of a flag.
    const last = this.#before.pop() ?? "";
    this.#before.push(...graphemes(last + text));
    this.#bytes += bytes;
    return changed;
  }

  #pasting(piece: string): EditorAction {
    const { pieces, bytes } = (this.#paste ??= { pieces: [], bytes: 0 });
    this.#paste.bytes = bytes + Buffer.byteLength(piece);
    if (this.#paste.bytes <= LIMITS.lineBytesMax) pieces.push(piece);
    else pieces.length = 0;
    return none;
  }

  /** A pasted line end is a part of the text: a paste never sends anything by itself. */
  #pasted(): EditorAction {
    const { pieces, bytes } = this.#paste ?? { pieces: [], bytes: 0 };
    this.#paste = undefined;
    if (bytes > LIMITS.lineBytesMax) return { type: "refused" };
    return this.#insert(pieces.join("").replace(/\r\n?/g, "\n"));
  }

  #submit(): EditorAction {
    // The end of the last pasted line is none of what is said.
    const line = this.text.replace(/(?<!\n)\n+$/, "");
    this.#set("");
    if (line.trim() !== "" && this.#history.at(-1) !== line) this.#history.push(line);
    if (this.#history.length > LIMITS.inputHistoryMax) this.#history.shift();
    this.#at = this.#history.length;
    this.#draft = "";
    return { type: "line", line };
  }

  /** The first one clears the line, the next one is meant. */
  #interrupt(): EditorAction {
    if (this.text === "") return { type: "interrupt" };
    this.#set("");
    this.#at = this.#history.length;
    return changed;
  }

  #recall(step: -1 | 1): EditorAction {
    const to = this.#at + step;
    if (to < 0 || to > this.#history.length) return none;
    if (this.#at === this.#history.length) this.#draft = this.text;
    this.#at = to;
    this.#set(this.#history[to] ?? this.#draft);
    return changed;
  }

  #move(by: number): void {
    for (let left = by; left > 0; left--) {
      const one = this.#after.shift();
      if (one === undefined) return;
      this.#before.push(one);
    }
    for (let left = by; left < 0; left++) {
      const one = this.#before.pop();
      if (one === undefined) return;
      this.#after.unshift(one);
    }
  }

  #killWord(): void {
    const count = this.#wordBefore();
    this.#killed = this.#before.splice(this.#before.length - count).join("");
  }

  /** How many graphemes back the word before the cursor begins. */
  #wordBefore(): number {
    return graphemes(/\S*\s*$/.exec(this.before)?.[0] ?? "").length;
  }
  #wordAfter(): number {
    return graphemes(/^\s*\S*/.exec(this.after)?.[0] ?? "").length;
  }

  #set(text: string): void {
    this.#before = graphemes(text);
    this.#after = [];
    this.#measure();
  }

  #measure(): void {
    this.#bytes = Buffer.byteLength(this.before) + Buffer.byteLength(this.after);
  }
}

// --- internal -----------------------------------------------------------------------------------

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

const graphemes = (text: string): string[] => Array.from(segmenter.segment(text), (s) => s.segment);
