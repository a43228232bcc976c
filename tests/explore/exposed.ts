// The fabric's `#private` fields as public ones: `#name` becomes `$name`. Pure; whoever loads a
// changed text of the fabric into the explorer's process must pass it through here.

import { Visitor } from "oxc-parser";
import { parse } from "../tidy/source.ts";

/** Returns the text with each `#name` as `$name`; what is exposed already stays. */
export function exposed(path: string, text: string): string {
  const marks: number[] = [];
  new Visitor({ PrivateIdentifier: ({ start }) => void marks.push(start) }).visit(
    parse(path, text).program,
  );
  let result = "";
  let from = 0;
  for (const mark of marks.toSorted((a, b) => a - b)) {
    result += `${text.slice(from, mark)}$`;
    from = mark + 1;
  }
  return result + text.slice(from);
}
