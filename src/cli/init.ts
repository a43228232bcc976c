// `chatfusion init`: the running example of this package, as the beginning of one's own config.

import { defineCommand } from "citty";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { defaultName } from "../config.ts";
import { ChatFusionError } from "../errors.ts";
import { parseServerName } from "../names.ts";
import { CONFIG_FILE } from "../serve/config-file.ts";

const Args = v.object({ name: v.optional(v.string()) });

export default defineCommand({
  meta: { description: `Writes a commented ${CONFIG_FILE} here` },
  args: { name: { type: "string", description: "The server's name", valueHint: "NAME" } },
  async run({ args }) {
    const { name } = v.parse(Args, args);
    const example = await readFile(new URL(`../../${CONFIG_FILE}`, import.meta.url), "utf8");
    // Two that have the example's name could not merge.
    const own = name === undefined ? defaultName() : parseServerName(name);
    const text = example.replace(exampleName, `name: "${own}"`);
    await writeNew(join(process.cwd(), CONFIG_FILE), text);
    console.log(`wrote ${CONFIG_FILE} for a server named ${own}`);
    console.log("next: bunx chatfusion check, then bunx chatfusion serve");
  },
});

// --- internal ------------------------------------------------------------------------------------

const exampleName = /name: "[^"]*"/;

/** Writes a file that must not be there yet, not even as a link to nowhere. */
async function writeNew(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, "wx", 0o644);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    const isThere = thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST";
    const why = isThere ? "it is there already, and is left as it is" : String(thrown);
    throw new ChatFusionError("CONFIG_INVALID", `${CONFIG_FILE}: ${why}`, thrown);
  }
}
