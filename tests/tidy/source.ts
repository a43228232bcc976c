// A parsed source file, and the questions that the rules of tests/tidy.test.ts ask of one. It knows
// no rule. The parser is the one that knip brings along.

import { parseSync, Visitor } from "oxc-parser";
import type { ArrowFunctionExpression, Comment, Expression, Node, Program } from "oxc-parser";

export interface Source {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Parses a file's text; throws at its first syntax error. */
export function parse(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  return { path, text, program, comments };
}

/** Words a violation: `path:line: what`. */
export function at({ path, text }: Source, { start }: Span, what: string): string {
  return `${path}:${text.slice(0, start).split("\n").length}: ${what}`;
}

/** Returns every module that a file names: import, export from, import(), and types by import. */
export function importsOf({ program }: Source): { specifier: string; node: Span }[] {
  const found: { specifier: string; node: Span }[] = [];
  const add = (node: Span & { source: { value?: unknown } | null }) => {
    if (typeof node.source?.value !== "string") return;
    found.push({ specifier: node.source.value, node });
  };
  new Visitor({
    ImportDeclaration: add,
    ExportNamedDeclaration: add,
    ExportAllDeclaration: add,
    ImportExpression: (node) => {
      if (node.source.type === "Literal") add({ ...node, source: node.source });
    },
    TSImportType: add,
  }).visit(program);
  return found;
}

/** Returns the object's and the whole name of a plain member: `["Date", "Date.now"]`. */
export function memberName(node: {
  object: Expression;
  property: { type: string };
}): [string, string] {
  const { object, property } = node;
  if (object.type !== "Identifier") return ["", ""];
  const name = "name" in property ? String(property.name) : "?";
  return [object.name, `${object.name}.${name}`];
}

/** Returns the name of the first parameter of `(done) => …` or `function (done) {…}`, or "". */
export function firstParameter(executor: Node | undefined): string {
  if (executor?.type !== "ArrowFunctionExpression" && executor?.type !== "FunctionExpression") {
    return "";
  }
  const [parameter] = executor.params;
  return parameter?.type === "Identifier" ? parameter.name : "";
}

/** Returns what is called by a function that does nothing else: `done` for `() => done()`. */
export function onlyCall({ body }: ArrowFunctionExpression): Expression | undefined {
  const only = body.type === "BlockStatement" && body.body.length === 1 ? body.body[0] : body;
  const call = only?.type === "ExpressionStatement" ? only.expression : only;
  return call?.type === "CallExpression" ? call.callee : undefined;
}
