// Who takes the longest nick there is, on as many servers as will have him, of the longest names.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { Place } from "./place.ts";

test("a refusal that names namesakes holds no more of them than another server takes", () => {
  const place = new Place("namesakes");
  const long = (letter: string) => letter.repeat(LIMITS.nameBytesMax / 2); // of two bytes each
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  const others = Array.from("жзийклмнпр", (letter) => place.start(long(letter)));
  const nick = long("ж");
  for (const home of others) place.enter(home, nick);
  place.join(paris, lyon, ...others);
  place.rest(1000);
  const answer = place.enter(lyon, "ann").ask("tell", { to: `${nick}@paris`, text: "hi" });
  expect(answer["code"]).toBe("NO_SUCH_NICK");
  expect(String(answer["text"]).split("@").length - 2).toBe(LIMITS.namesakesMax);
});
