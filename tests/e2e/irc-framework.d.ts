// irc-framework has no types of its own: what the test uses of it.

declare module "irc-framework" {
  export class Client {
    constructor(options: Readonly<Record<string, unknown>>);
    on(event: string, run: (event: never) => void): void;
    connect(): void;
    join(channel: string): void;
    say(target: string, text: string): void;
    whois(nick: string, run: (found: Record<string, unknown>) => void): void;
    quit(text: string): void;
  }
}
