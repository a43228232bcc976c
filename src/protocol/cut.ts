// Why servers are gone, in words: for the console, the chat and other gateways alike. Pure.

import type { Fusion } from "./messages.ts";

/** Which links were lost, or who has ended them or was stopped; "" where it is not known. */
export function cutText({
  servers,
  cut = [],
  code,
}: Pick<Fusion<"split">, "servers" | "cut" | "code">): string {
  if (cut.length === 0) return "";
  const isOne = cut.length === 1;
  const links = `the link${isOne ? "" : "s"} ${cut.map((ends) => ends.join("–")).join(", ")}`;
  if (code === "UNMERGED") return `an operator has ended ${links}`;
  if (code !== "SERVER_STOPPING") return `${links} ${isOne ? "is" : "are"} lost`;
  const stopped = new Set(cut.flat().filter((name) => servers.includes(name)));
  return `${[...stopped].join(", ")} ${stopped.size === 1 ? "was" : "were"} stopped`;
}
