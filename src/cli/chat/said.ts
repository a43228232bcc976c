// What people say in rooms, and what they do to each other's messages, as lines. Pure but for the
// time zone. Next: text.ts.

import { LOBBY, visible } from "../../client.ts";
import type { PastEntry } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import { textRows } from "./rows.ts";
import type { Of, Shown } from "./shown.ts";

/** What makes the parts of a line. */
export interface Pens {
  dim(text: string): string;
  /** A person, in a colour of their own. */
  who(address: string): string;
  /** A room's name. */
  room(name: string): string;
  /** The sign before what is said to whoever sits here. */
  sign(text: string): string;
  /** Who tells whom something in private. */
  arrow(text: string): string;
  note(text: string): string;
  self(): string;
}

type Message = Extract<Shown, { event: "message" }>;

/** Writes a reaction, or that it was taken back. */
export function reactionText(
  { kind, text, from, of }: Pick<Message, "text" | "from" | "of"> & { readonly kind: string },
  { note }: Pick<Pens, "note">,
): string {
  const whose = of === undefined ? "a message" : quoteText(of);
  if (kind === "reaction") return note(`${visible(from)}: ${visible(text)} to ${whose}`);
  return note(`${visible(from)} takes ${visible(text)} back from ${whose}`);
}

/** Writes that a message was deleted. */
export function deletionText(
  { text, from, of }: Pick<Message, "text" | "from" | "of">,
  { note }: Pick<Pens, "note">,
): string {
  const why = text === "" ? "" : `: ${visible(text)}`;
  const one = of === undefined ? "a message" : `${deletedText(of, from)} of ${clockTime(of.at)}`;
  return note(`${visible(from)} has deleted ${one}${why}`);
}

/** Writes a message, or what was done to one. */
export function saidText(shown: Message & Partial<PastEntry>, pens: Pens): string {
  const { kind, text, from } = shown;
  const { dim, who, note } = pens;
  switch (kind) {
    case "reaction":
    case "unreaction":
      return reactionText(shown, pens);
    case "topic": {
      const what = `the topic of ${visible(shown.room)}`;
      if (text === "") return note(`${visible(from)} has removed ${what}`);
      return note(`${visible(from)} has set ${what}: ${visible(text)}`);
    }
    case "delete":
      return deletionText(shown, pens);
    case "text":
    case "action":
    case "notice":
    case "edit": {
      const room = shown.room === LOBBY ? "" : ` ${pens.room(visible(shown.room))}`;
      const isMeant = from !== pens.self() && shown.mentions?.includes(pens.self()) === true;
      const begin = `${dim(clockTime(shown.at))}${room} ${isMeant ? `${pens.sign("»")} ` : ""}`;
      const body = bodyText(shown, pens);
      if (kind === "action") return `${begin}* ${who(from)}${aboutText(shown, pens)}${body}`;
      const mark = kind === "notice" ? dim("!") : "";
      return `${begin}${who(from)}${mark}${aboutText(shown, pens)}:${body}`;
    }
    default:
      kind satisfies never;
      return "";
  }
}

/** Writes a page of the past; what was done to its messages stands behind them. */
export function pastText(messages: readonly PastEntry[], pens: Pens): string {
  const byId = new Map(messages.map((one) => [one.id, one]));
  const said = messages.filter(isCounted);
  const lines = said.map((one) => {
    const target = byId.get(one.about ?? one.thread ?? "");
    if (target === undefined) return saidText({ event: "message", ...one }, pens);
    const of = { from: target.from, at: target.at, text: target.edited?.text ?? target.text };
    return saidText({ event: "message", ...one, of }, pens);
  });
  return lines.join("\n");
}

/** Whether it is a message of its own, and not something that is done to one. */
export const isCounted = ({ kind }: Pick<PastEntry, "kind">): boolean => !DONE.includes(kind);

/** The time of a day, and the day, too, when it is another one. */
export function clockTime(at: number): string {
  const [day, time] = localTime(at);
  const isToday = day === localTime(Date.now())[0];
  return isToday ? time.slice(0, -3) : `${day} ${time.slice(0, -3)}`.trimStart();
}

/** The day (2026-02-07) and the time (17:05:09) that it is here. */
export function localTime(at: number): readonly [day: string, time: string] {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return ["", "--:--:--"];
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return [day, [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")];
}

/** What an answer answers, and what an edit stands for. */
export function aboutText(
  {
    kind,
    about,
    thread,
    of,
  }: Pick<Message, "about" | "thread" | "of"> & { readonly kind?: string },
  { dim }: Pick<Pens, "dim">,
): string {
  if (kind === "edit") return of === undefined ? "" : dim(` (instead of “${shortened(of.text)}”)`);
  if (about === undefined && thread === undefined) return "";
  const what = of === undefined ? "a message" : quoteText(of);
  return dim(about === undefined ? ` (in the thread of ${what})` : ` (to ${what})`);
}

/** Whose message it is, and how it begins. */
export function quoteText({ from, text }: Of): string {
  const begin = shortened(text);
  return begin === "" ? visible(from) : `${visible(from)} “${begin}”`;
}

/** How a text begins. */
export function shortened(text: string): string {
  const letters = Array.from(visible(text));
  const max = LIMITS.quoteLettersMax;
  return letters.length > max ? `${letters.slice(0, max - 1).join("")}…` : letters.join("");
}

// --- internal -----------------------------------------------------------------------------------

/** Of one's own it is plain whose it was. */
const deletedText = (of: Of, by: string): string =>
  of.from === by && of.text !== "" ? `“${shortened(of.text)}”` : quoteText(of);

const DONE: readonly string[] = ["reaction", "unreaction", "edit", "delete"];

function bodyText(shown: Message & Partial<PastEntry>, { dim, self }: Pens): string {
  if (shown.deleted === true) return ` ${dim("(deleted)")}`;
  // Where it says what it stands for, that says it.
  const isEdit = shown.kind === "edit" && shown.of === undefined;
  const isEdited = isEdit || shown.edited !== undefined;
  // Whoever has waited to say something knows it.
  const late = shown.late === true && shown.from !== self() ? dim(" (late)") : "";
  const reactions = (shown.reactions ?? []).map(({ text, count }) => `${visible(text)} ${count}`);
  const counted = reactions.length === 0 ? "" : dim(` [${reactions.join(", ")}]`);
  const text = textRows(shown.edited?.text ?? shown.text);
  return `${text}${isEdited ? dim(" (edited)") : ""}${late}${counted}`;
}
