// Greets everybody who comes in with a text of the day, as notices of the server, line by line.
//
//   plugins: [motd({ text: "Welcome to paris. Be kind." }), …]
//   plugins: [motd({ file: "motd.txt" }), …]      // from the folder in which the server is started

import { readFile } from "node:fs/promises";
import { ChatFusionError, definePlugin, LIMITS } from "chatfusion";
import * as v from "valibot";

const Options = v.pipe(
  v.strictObject({
    /** The text. */
    text: v.optional(v.string()),
    /** Or a file that holds it, in UTF-8, read at each start. */
    file: v.optional(v.string()),
  }),
  v.check(
    ({ text, file }) => (text === undefined) !== (file === undefined),
    "expected either text or file",
  ),
);

export default definePlugin({
  name: "motd",
  options: Options,
  setup({ options: { text = "", file }, notice }) {
    let lines: readonly string[] = [];
    return {
      async start() {
        lines = linesOf(file === undefined ? text : await read(file), file ?? "text");
      },
      onPresence({ person, now, back }) {
        if (now === "online" && back !== true) for (const line of lines) notice(person, line);
      },
    };
  },
});

// --- internal ---

async function read(file: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ChatFusionError("CONFIG_INVALID", `motd: file: ${why}`, thrown);
  }
}

/** The lines to send. One that is empty is sent as a blank: a notice says something. */
function linesOf(text: string, from: string): string[] {
  const lines = text.trimEnd().split(/\r\n|[\n\v\f\r\u0085\u2028\u2029]/);
  const { motdLinesMax, textBytesMax } = LIMITS;
  if (lines.length > motdLinesMax) {
    const what = `expected up to ${motdLinesMax} lines, got ${lines.length}`;
    throw new ChatFusionError("CONFIG_INVALID", `motd: ${from}: ${what}`);
  }
  const long = lines.findIndex((line) => Buffer.byteLength(line) > textBytesMax);
  if (long !== -1) {
    const what = `expected up to ${textBytesMax} bytes in a line, got more in line ${long + 1}`;
    throw new ChatFusionError("CONFIG_INVALID", `motd: ${from}: ${what}`);
  }
  return lines.map((line) => (line === "" ? " " : line));
}
