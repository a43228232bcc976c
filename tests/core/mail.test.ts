// Private messages for those who are offline: kept when they are an account, told at the next
// login, once, in order; never to anybody else.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { startWithAccounts as start } from "./accounts.ts";
import type { Peer } from "./peer.ts";
import type { Home } from "./place.ts";

const to = "ana@paris";
const uuid = (digit: number) => String(digit).repeat(LIMITS.uniqueIdBytesMin);
const shown = (peer: Peer) => peer.all("private").map(({ text }) => text);

describe("to an account that is offline", () => {
  test("is stored, and told at the next login with its time, in its sender's order", () => {
    const { place, paris, logIn } = start("stored");
    const [bob, cat] = [place.enter(paris, "bob"), place.enter(paris, "cat")];
    const { at, id, outcome } = bob.get("tell", { to: "ANA@paris", text: "1", kind: "action" });
    expect(outcome).toBe("stored");
    for (const text of ["2", "3"]) bob.get("tell", { to, text });
    cat.get("tell", { to, text: "4", kind: "reaction", about: id });
    place.rest(60_000);
    const ana = logIn("ana");
    place.rest(100);
    expect(ana.all("private")[0]).toEqual({
      id,
      from: "bob@paris",
      to,
      kind: "action",
      text: "1",
      at,
      late: true,
    });
    expect(shown(ana)).toEqual(["1", "2", "3", "4"]);
    expect(ana.all("private").at(-1)).toMatchObject({ kind: "reaction", about: id });
  });

  test("on another server is stored there, whoever else is restarted meanwhile", () => {
    const { place, paris, logIn, restart } = start("there");
    const lyon = place.start("lyon");
    place.join(paris, lyon);
    const bob = place.enter(lyon, "bob");
    for (const text of ["1", "2"]) expect(bob.get("tell", { to, text })["outcome"]).toBe("stored");
    place.world.crash("lyon");
    place.hub.part("lyon");
    restart("crash");
    const ana = logIn("ana");
    place.rest(100);
    expect(ana.all("private")).toMatchObject([
      { from: "bob@lyon", text: "1" },
      { from: "bob@lyon", text: "2" },
    ]);
  });

  test("is told once: not at the login after, nor after a restart", () => {
    const { place, paris, logIn, restart } = start("once");
    place.enter(paris, "bob").get("tell", { to, text: "once" });
    expect(paris.server.status()["mail"]).toBe(1);
    const logins = [logIn("ana"), logIn("ana")];
    expect(paris.server.status()["mail"]).toBe(0);
    restart("crash");
    logins.push(logIn("ana"));
    place.rest(100);
    expect(logins.flatMap(shown)).toEqual(["once"]);
  });

  test("stands before what is said after the login", () => {
    const { place, paris, logIn } = start("before");
    const bob = place.enter(paris, "bob");
    bob.get("tell", { to, text: "1" });
    // In one turn of the server: the second one may find ana away or here.
    const ana = place.connect(paris, true);
    ana.hello();
    ana.send("login", { nick: "ana", password: "x" });
    for (const text of ["2", "3", "4", "5"]) {
      bob.send("tell", { to, text });
      place.world.run(0.2);
    }
    place.rest(1000);
    logIn("ana");
    expect(shown(ana)).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("is told to no guest and no other account, but to who takes the nick by password", () => {
    const { place, paris, logIn, accounts } = start("others");
    accounts.add("eve");
    place.enter(paris, "bob").get("tell", { to, text: "for ana" });
    const guest = place.connect(paris);
    expect(guest.login({ nick: "ana" }).value["code"]).toBe("NICK_REGISTERED");
    expect(guest.loginAgain({ nick: "gus" }).name).toBe("welcome");
    const eve = logIn("eve");
    place.rest(1000);
    expect([...shown(guest), ...shown(eve)]).toEqual([]);
    expect(eve.get("rename", { nick: "ana", password: "x" })).toMatchObject({ nick: "ana" });
    place.rest(100);
    expect(shown(eve)).toEqual(["for ana"]);
  });

  test("to a nick that is nobody's is refused, and so is a file to one who is offline", () => {
    const { place, paris } = start("nobody");
    const bob = place.enter(paris, "bob");
    expect(bob.ask("tell", { to: "gus@paris", text: "x" })["code"]).toBe("NO_SUCH_NICK");
    expect(bob.ask("offer", { to, name: "f", size: 1 })["code"]).toBe("NO_SUCH_NICK");
  });
});

describe("until it has reached its addressee", () => {
  test("it is kept: told again to one whose connection broke, with the same id", () => {
    const { place, paris, logIn } = start("reached");
    const { id } = place.enter(paris, "bob").get("tell", { to, text: "hi" });
    const first = logIn("ana", true);
    place.rest(1000);
    expect(shown(first)).toEqual(["hi"]);
    first.close();
    const second = logIn("ana");
    place.rest(100);
    expect(second.all("private")).toMatchObject([{ id, text: "hi" }]);
    expect(paris.server.status()["mail"]).toBe(0);
  });

  test("it is kept through a crash between the two", () => {
    const { place, paris, logIn, restart } = start("crash between");
    place.enter(paris, "bob").get("tell", { to, text: "hi" });
    logIn("ana", true);
    restart("crash");
    const ana = logIn("ana");
    place.rest(100);
    expect(shown(ana)).toEqual(["hi"]);
  });

  test("a lost session gets it by its resume, behind what was sent before, and once", () => {
    const { place, paris, logIn } = start("lost");
    const bob = place.enter(paris, "bob");
    const lost = logIn("ana");
    const { resume: token, nick } = lost.all("welcome")[0]!;
    const { received } = lost;
    lost.close();
    place.world.run(0.01); // the server has not noticed it
    bob.get("tell", { to, text: "1" });
    place.rest(1000);
    expect(bob.get("tell", { to, text: "2" })["outcome"]).toBe("stored");
    const back = place.connect(paris, true);
    expect(back.login({ nick, resume: { token, received } }).value["resumed"]).toBe(true);
    bob.get("tell", { to, text: "3" });
    place.rest(1000);
    expect([...shown(lost), ...shown(back)]).toEqual(["1", "2", "3"]);
    expect(paris.server.status()["mail"]).toBe(0);
  });

  test("a lost session that does not come back leaves it to the next login", () => {
    const { place, paris, logIn } = start("lost for good");
    const bob = place.enter(paris, "bob");
    logIn("ana").close();
    place.rest(1000);
    bob.get("tell", { to, text: "1" });
    place.rest(LIMITS.resumeMsMax);
    bob.get("tell", { to, text: "2" });
    const ana = logIn("ana");
    place.rest(100);
    expect(shown(ana)).toEqual(["1", "2"]);
  });

  test("a client that answers no pings has it again at each login, and once in between", () => {
    const { place, paris, logIn, accounts } = start("mute");
    accounts.add("eve");
    place.enter(paris, "bob").get("tell", { to, text: "hi" });
    const mute = logIn("ana", true);
    for (let i = 0; i < 40; i++) {
      for (const nick of ["eve", "ana"]) mute.get("rename", { nick, password: "x" });
      place.rest(2000); // more often it is not taken
    }
    expect(shown(mute)).toEqual(["hi"]);
    mute.send("bye");
    place.rest(100);
    expect(shown(logIn("ana"))).toEqual(["hi"]);
  });
});

describe("said again with its id", () => {
  test("it is the same message, before and after a restart", () => {
    const { place, paris, logIn, restart } = start("again");
    const tell = { to, text: "once", cid: uuid(1) };
    const { id } = place.enter(paris, "bob").get("tell", tell);
    restart("crash");
    const bob = place.enter(place.homes.get("paris")!, "bob");
    expect(bob.get("tell", tell)).toMatchObject({ id, outcome: "stored" });
    const ana = logIn("ana");
    place.rest(100);
    bob.get("tell", tell);
    expect(shown(ana)).toEqual(["once"]);
  });

  test("it is the same message before its end is known", () => {
    const { place, paris, logIn } = start("twice");
    const bob = place.enter(paris, "bob");
    const refs = [1, 2].map(() => bob.request("tell", { to, text: "once", cid: "c" }));
    place.rest(100);
    expect(refs.map((ref) => bob.answer(ref)?.value["outcome"])).toEqual(["stored", "stored"]);
    const ana = logIn("ana");
    place.rest(100);
    expect(shown(ana)).toEqual(["once"]);
  });

  test("by a server that was restarted, to one that was too, it is told once", () => {
    const { place, paris, logIn, restart } = start("both");
    const tell = { to, text: "once", cid: uuid(2) };
    let lyon = place.start("lyon");
    const sayFrom = (home: Home) => {
      place.join(home, lyon);
      return place.enter(lyon, "bob").get("tell", tell)["outcome"];
    };
    const restartLyon = () => {
      place.world.crash("lyon");
      place.hub.part("lyon");
      place.rest(2000);
      lyon = place.start("lyon");
    };
    expect(sayFrom(paris)).toBe("stored");
    restartLyon();
    const again = restart("crash");
    expect(sayFrom(again)).toBe("stored");
    const ana = logIn("ana");
    place.rest(100);
    restartLyon();
    expect(sayFrom(again)).toBe("delivered");
    expect(shown(ana)).toEqual(["once"]);
  });
});

test("an account's next session is told how a message ended after all", () => {
  const { place, paris, logIn } = start("late");
  const lyon = place.start("lyon");
  place.join(paris, lyon);
  const ana = logIn("ana");
  place.hub.fate = ({ traffic }) => (traffic === "private" ? "lose" : "pass");
  expect(ana.ask("tell", { to: "bob@lyon", text: "x" })["code"]).toBe("UNCONFIRMED");
  ana.send("bye");
  place.rest(100);
  const next = logIn("ana");
  place.hub.fate = () => "pass";
  place.rest();
  expect(next.all("told")).toMatchObject([{ to: "bob@lyon", code: "NO_SUCH_NICK" }]);
});

describe("an account that is removed", () => {
  test("leaves nothing to who registers the nick after it; a new password changes nothing", () => {
    const { place, paris, logIn, accounts, revoke } = start("removed");
    const bob = place.enter(paris, "bob");
    bob.get("tell", { to, text: "1" });
    revoke("ana");
    expect(paris.server.status()["mail"]).toBe(1);
    accounts.delete("ana");
    revoke("ana");
    expect(paris.server.status()["mail"]).toBe(0);
    accounts.add("ana");
    expect(shown(logIn("ana"))).toEqual([]);
  });

  test("while the server was down leaves nothing either", () => {
    const { place, paris, logIn, accounts, restart } = start("removed offline");
    accounts.add("eve");
    const bob = place.enter(paris, "bob");
    for (const nick of ["ana", "eve"]) bob.get("tell", { to: `${nick}@paris`, text: nick });
    place.stop(paris);
    accounts.delete("ana");
    restart("stopped");
    accounts.add("ana");
    const logins = ["ana", "eve"].map((nick) => logIn(nick));
    place.rest(100);
    expect(logins.flatMap(shown)).toEqual(["eve"]);
  });
});
