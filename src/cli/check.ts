// `chatfusion check`: says whether the config is right, and in which order its hooks are asked.
// Opens no port and no database.

import { defineCommand } from "citty";
import * as v from "valibot";
import { loadConfig } from "../config.ts";
import { compiledOrder } from "../serve.ts";
import { shortPath } from "../serve/config-file.ts";
import { EXIT } from "./exit.ts";
import { createScreen } from "./screen.ts";

const Args = v.object({
  config: v.optional(v.string()),
  json: v.optional(v.boolean(), false),
});

export default defineCommand({
  meta: { description: "Checks the config, and shows the order in which its hooks are asked" },
  args: {
    config: { type: "string", description: "The config file", valueHint: "FILE" },
    json: { type: "boolean", description: "One JSON object on stdout" },
  },
  async run({ args }) {
    const { config: file, json } = v.parse(Args, args);
    const config = await loadConfig({ config: file });
    const { hooks, warnings } = await compiledOrder(config);
    const { name, host, port, data, plugins } = config;
    const screen = createScreen();
    if (json) {
      const names = plugins.map((plugin) => plugin.name);
      screen.object({ file: config.file, name, host, port, data, plugins: names, hooks, warnings });
      return EXIT.ok;
    }
    for (const warning of warnings) screen.print(`warning: ${warning}`);
    const from =
      config.file === undefined ? "the defaults (no config file)" : shortPath(config.file);
    screen.print(
      [
        `${from}: right`,
        "",
        `  name     ${name}`,
        `  listen   ${host}, port ${port === 0 ? "0 (any free one)" : port}`,
        `  data     ${shortPath(data)}`,
        `  plugins  ${plugins.map((plugin) => plugin.name).join(", ")}`,
        "",
        ...hooks.map(({ hook, plugins: order }) => `  ${hook.padEnd(10)} ${order.join(" → ")}`),
      ].join("\n"),
    );
    return EXIT.ok;
  },
});
