// Private messages as lines: as they come, as they were told, and as they are kept. Pure but for
// the time zone. Next: text.ts.

import { isSaid, visible } from "../../client.ts";
import type { PrivateEntry, PrivateKind } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import { aboutText, clockTime, deletionText, type Pens, reactionText } from "./said.ts";
import { textRows } from "./rows.ts";
import type { Of, Shown } from "./shown.ts";

/** One that came. */
export function whisperText(
  shown: Omit<Extract<Shown, { event: "private" }>, "event">,
  pens: Pens,
): string {
  const { kind, text, from, at } = shown;
  if (!isSaid(kind)) return doneText({ ...shown, kind }, pens);
  const head = `${pens.who(from)} ${pens.arrow("→ you")}${aboutText(shown, pens)}`;
  return lineText(head, { kind, text, at }, pens);
}

/** One that whoever sits here has told. */
export function tellText(
  told: Pick<PrivateEntry, "at" | "to" | "kind" | "text" | "about"> & { readonly of?: Of },
  pens: Pens,
): string {
  const { kind, text, to, at } = told;
  if (!isSaid(kind)) return doneText({ ...told, kind, from: pens.self() }, pens);
  const head = `${pens.arrow(`you → ${visible(to)}`)}${aboutText(told, pens)}`;
  return lineText(head, { kind, text, at }, pens);
}

/** A page of a conversation. */
export function conversationText(
  { with: other, messages, text }: Extract<Shown, { event: "conversation" }>,
  pens: Pens,
): string {
  const byId = new Map(messages.map((one) => [one.id, one]));
  const lines = messages.map((one) => {
    const target = byId.get(one.about ?? "");
    const of = target && { from: target.from, at: target.at, text: target.text };
    const shown = of === undefined ? one : { ...one, of };
    return one.from === pens.self() ? tellText(shown, pens) : whisperText(shown, pens);
  });
  if (text !== undefined) return foundText(lines, messages[0]?.id ?? "", pens);
  if (lines.length === 0)
    return pens.note(`nothing is kept of what you and ${visible(other)} said`);
  return `${lines.join("\n")}\n${pens.note(`so far with ${visible(other)}`)}`;
}

/** With whom one has talked, the last one first. */
export function conversationsText(
  { conversations, next }: Extract<Shown, { event: "conversations" }>,
  { note }: Pick<Pens, "note">,
): string {
  if (conversations.length === 0) return note("no private messages of yours are kept yet");
  const lines = conversations.map(({ with: other, message: { at } }) =>
    note(`${visible(other)}, ${clockTime(at)}`),
  );
  const more = next === undefined ? [] : [note(`more: /conversations ${visible(next)}`)];
  return [...lines, ...more].join("\n");
}

// --- internal -----------------------------------------------------------------------------------

/** What is said, behind who says it to whom; an action and a notice look as in rooms. */
function lineText(
  head: string,
  { kind, text, at }: Pick<PrivateEntry, "kind" | "text" | "at">,
  { dim }: Pick<Pens, "dim">,
): string {
  const body = textRows(text);
  if (kind === "action") return `${dim(clockTime(at))} * ${head}${body}`;
  return `${dim(clockTime(at))} ${head}${kind === "notice" ? dim("!") : ""}:${body}`;
}

function foundText(lines: readonly string[], oldest: string, { note }: Pens): string {
  if (lines.length === 0) return note("nothing is found");
  const isAll = lines.length < LIMITS.searchMax;
  const more = isAll ? "" : `; more: the same with before:${visible(oldest)}`;
  return [...lines, note(`${lines.length} found${more}`)].join("\n");
}

function doneText(
  shown: Pick<PrivateEntry, "from" | "text"> & {
    readonly kind: Exclude<PrivateKind, "text" | "action" | "notice">;
    readonly of?: Of;
  },
  pens: Pens,
): string {
  return shown.kind === "delete" ? deletionText(shown, pens) : reactionText(shown, pens);
}
