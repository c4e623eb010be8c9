/**
 * The project's own lint rules. `deno.json` names this file under
 * `lint.plugins`; each rule says in its message what to write instead.
 *
 * @module
 */

/** The folders of the library. */
const LIBRARY = ["backend", "process", "posix", "windows", "ffi"];

/** The library and its command line. */
const PRODUCT = [...LIBRARY, "cli"];

const ROOT = new URL("../../", import.meta.url).pathname;

/** The longest function, in lines. */
export const LONGEST_FUNCTION = 73;

const PROMISE_METHODS = ["then", "catch", "finally"];
const PROMISE_STATICS = ["all", "allSettled", "any", "race"];
const COLLECTIONS = ["Map", "Set", "WeakMap", "WeakSet"];

const WHY = "a page may have replaced Array.prototype[Symbol.iterator] or " +
  "Promise.prototype.then (CONTRIBUTING.md, Style)";

/** Whether the file that is checked is in one of the project's folders. */
function isIn(
  folders: readonly string[],
  { filename }: Deno.lint.RuleContext,
): boolean {
  // As a URL has it: Windows writes a drive and backslashes.
  const path = encodeURI(`/${filename.replaceAll("\\", "/")}`)
    .replace(/^\/+/, "/");
  return path.startsWith(ROOT) &&
    folders.includes(path.slice(ROOT.length).split("/")[0]!);
}

/** Nothing in the library runs an iterator or a `then` that a page can replace. */
const noReplaceable: Deno.lint.Rule = {
  create(context) {
    if (!isIn(LIBRARY, context)) return {};
    const refuse = (node: Deno.lint.Node, what: string, hint: string) =>
      context.report({ node, message: `${what}: ${WHY}`, hint });
    return {
      ForOfStatement(node) {
        if (node.await) return; // Asynchronous iterators are the caller's.
        refuse(node, "for … of runs an iterator", "Count an index, or forEach");
      },
      SpreadElement(node) {
        if (node.parent.type === "ObjectExpression") return;
        refuse(node, "A spread runs an iterator", "Use concat(), or push()");
      },
      ArrayPattern(node) {
        refuse(node, "This pattern runs an iterator", "Take elements by index");
      },
      YieldExpression(node) {
        if (!node.delegate) return;
        refuse(node, "yield* runs an iterator", "Call next() in a loop");
      },
      NewExpression({ callee, arguments: args }) {
        if (callee.type !== "Identifier" || args.length === 0) return;
        if (!COLLECTIONS.includes(callee.name)) return;
        refuse(callee, "This constructor runs an iterator", "Add one by one");
      },
      CallExpression({ callee }) {
        if (callee.type !== "MemberExpression") return;
        const { object, property } = callee;
        if (property.type !== "Identifier") return;
        const owner = object.type === "Identifier" ? object.name : "";
        if (PROMISE_METHODS.includes(property.name)) {
          refuse(callee, `.${property.name}() can be replaced`, "Use await");
        } else if (
          owner === "Promise" && PROMISE_STATICS.includes(property.name)
        ) {
          refuse(
            callee,
            `Promise.${property.name}() calls then`,
            "Await one after the other",
          );
        } else if (owner === "Array" && property.name === "from") {
          refuse(callee, "Array.from() runs an iterator", "Count an index");
        }
      },
    };
  },
};

/** A function fits on a screen. */
const shortFunctions: Deno.lint.Rule = {
  create(context) {
    if (!isIn(PRODUCT, context)) return {};
    const measure = (node: Deno.lint.Node) => {
      const text = context.sourceCode.text.slice(...node.range);
      const lines = text.split("\n").length;
      if (lines <= LONGEST_FUNCTION) return;
      context.report({
        node,
        message: `${lines} lines in one function; ${LONGEST_FUNCTION} at most`,
      });
    };
    return {
      FunctionDeclaration: measure,
      FunctionExpression: measure,
      ArrowFunctionExpression: measure,
    };
  },
};

/** The rules, as `killable/no-replaceable` and `killable/short-functions`. */
const plugin: Deno.lint.Plugin = {
  name: "killable",
  rules: {
    "no-replaceable": noReplaceable,
    "short-functions": shortFunctions,
  },
};

export default plugin;
