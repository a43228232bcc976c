// The line that is being typed, as it fits into a terminal: the prompt, which says who types and
// where it goes, and as much around the cursor as there is room for. Pure.

import { visible } from "../../client.ts";
import type { Editor } from "./editor.ts";

/** The part of the typed line around the cursor that fits into so many columns. */
export function windowOf(editor: Editor, width: number): { before: string; after: string } {
  // As much as can be seen, and little enough to measure at every key.
  const around = editor.around(width);
  const [before, after] = [visible(around.before), visible(around.after)];
  const beforeWidth = Bun.stringWidth(before);
  const left = Math.min(beforeWidth, Math.max(width - 10, width - Bun.stringWidth(after)));
  const shown = Bun.sliceAnsi(before, beforeWidth - left);
  return { before: shown, after: cut(after, width - Bun.stringWidth(shown)) };
}

/** Who types, and where it goes, which is cut last. */
export function promptOf(address: string, sign: string, width: number): string {
  const most = width - "> ".length;
  const where = sign === "" ? "" : shorten(visible(sign), most);
  const left = most - Bun.stringWidth(where);
  if (where === "") return `${cut(visible(address), most)}> `;
  return left < MIN_ADDRESS ? `${where}> ` : `${shorten(visible(address), left - 1)} ${where}> `;
}

/** As much of a text as fits into so many columns. */
export const cut = (text: string, width: number): string =>
  Bun.sliceAnsi(text, 0, Math.max(0, width));

// --- internal -----------------------------------------------------------------------------------

/** Less of an address says nothing. */
const MIN_ADDRESS = 5;

const shorten = (text: string, width: number): string =>
  Bun.stringWidth(text) <= width ? text : `${cut(text, width - 1)}…`;
