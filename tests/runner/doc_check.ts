/**
 * What `deno doc --lint` does not ask for: a description of everything public,
 * of each parameter and of what comes back, and an example of each function and
 * class that a program calls.
 *
 * @module
 */

/** A tag of a comment. */
interface Tag {
  readonly kind: string;
  readonly name?: string;
}

/** A comment. */
interface Comment {
  readonly doc?: string;
  readonly tags?: readonly Tag[];
}

/** A type, as far as it matters here. */
interface Type {
  readonly repr?: string;
  readonly kind: string;
  readonly value?: {
    readonly typeParams?: readonly Type[];
    readonly asserts?: boolean;
  };
}

/** What is called. */
interface Callable {
  readonly hasBody?: boolean;
  readonly params?: readonly { readonly name?: string }[];
  readonly returnType?: Type;
}

/** A member of a class or an interface. */
interface Member extends Callable {
  readonly name: string;
  readonly kind?: string;
  readonly jsDoc?: Comment;
  readonly functionDef?: Callable;
}

/** Members by kind. */
interface Definition extends Callable {
  readonly constructors?: readonly Member[];
  readonly methods?: readonly Member[];
  readonly properties?: readonly Member[];
}

/** One of the declarations that share a name. */
interface Declaration {
  readonly kind: string;
  readonly jsDoc?: Comment;
  readonly def?: Definition;
}

/** A public name. */
interface PublicSymbol {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

/** A module, as `deno doc --json` has it. */
export interface ModuleDoc {
  readonly "module_doc"?: Comment;
  readonly symbols: readonly PublicSymbol[];
}

/**
 * What is missing in the documentation of a module.
 *
 * @param module The module.
 * @param everyExample Whether each function and class needs an example, or one for
 * the module does: the native calls are one thing together.
 * @returns What is missing, one line each.
 */
export function missingDocs(
  module: ModuleDoc,
  everyExample: boolean,
): string[] {
  const missing: string[] = [];
  if (!described(module.module_doc)) missing.push("the module: description");
  if (!hasTag(module.module_doc, "example") && !everyExample) {
    missing.push("the module: @example");
  }
  for (const { name, declarations } of module.symbols) {
    const shown = withoutImplementation(declarations, ({ def }) => def);
    for (const declaration of shown) {
      missing.push(...ofDeclaration(name, declaration));
    }
    // One example does for all overloads.
    const called = shown.some(({ kind }) =>
      ["function", "class"].includes(kind)
    );
    const example = shown.some(({ jsDoc }) => hasTag(jsDoc, "example"));
    // The pages are put in order by it; native names are in that of their header.
    const category = shown.some(({ jsDoc }) => hasTag(jsDoc, "category"));
    if (everyExample && !category) missing.push(`${name}: @category`);
    if (everyExample && called && !example) missing.push(`${name}: @example`);
  }
  return missing;
}

// What is called through its overloads shows those, not the body behind them.
function withoutImplementation<T>(
  all: readonly T[],
  callable: (one: T) => Callable | undefined,
): readonly T[] {
  return all.length === 1 ? all : all.filter((one) => !callable(one)?.hasBody);
}

function ofDeclaration(
  name: string,
  { kind, jsDoc, def }: Declaration,
): string[] {
  const missing: string[] = [];
  if (!described(jsDoc)) missing.push(`${name}: description`);
  if (kind === "function") missing.push(...ofCallable(name, jsDoc, def ?? {}));
  for (const one of def?.constructors ?? []) {
    // What only the library calls.
    if (hasTag(one.jsDoc, "internal")) continue;
    missing.push(...ofCallable(`new ${name}()`, one.jsDoc, one));
  }
  for (const same of byName(def?.methods ?? [])) {
    for (const one of withoutImplementation(same, (it) => it.functionDef)) {
      missing.push(...ofMethod(name, one));
    }
  }
  for (const one of def?.properties ?? []) {
    if (!described(one.jsDoc)) missing.push(`${name}.${one.name}: description`);
  }
  return missing;
}

function byName(members: readonly Member[]): readonly Member[][] {
  const groups = Map.groupBy(members, ({ name, kind }) => `${kind} ${name}`);
  return [...groups.values()];
}

function ofMethod(owner: string, method: Member): string[] {
  // What `using`, `for await` and `console.log` call says so by its name.
  if (method.name.startsWith("[")) return [];
  const name = `${owner}.${method.name}`;
  const missing = described(method.jsDoc) ? [] : [`${name}: description`];
  if (method.kind === "getter" || method.kind === "setter") return missing;
  return missing.concat(
    ofCallable(`${name}()`, method.jsDoc, method.functionDef ?? method),
  );
}

function ofCallable(
  name: string,
  comment: Comment | undefined,
  { params, returnType }: Callable,
): string[] {
  const missing: string[] = [];
  for (const { name: param } of params ?? []) {
    const told = comment?.tags?.some((tag) =>
      tag.kind === "param" && tag.name === param
    );
    if (param !== undefined && !told) missing.push(`${name}: @param ${param}`);
  }
  if (givesSomething(returnType) && !hasTag(comment, "return")) {
    missing.push(`${name}: @returns`);
  }
  return missing;
}

// `void`, a promise of it, and `never` need no word.
function givesSomething(type: Type | undefined): boolean {
  if (type === undefined) return false;
  const inner = type.repr === "Promise" ? type.value?.typeParams?.[0] : type;
  return !["void", "never", "undefined"].includes(inner?.repr ?? "");
}

function described(comment: Comment | undefined): boolean {
  return (comment?.doc ?? "").trim() !== "";
}

function hasTag(comment: Comment | undefined, kind: string): boolean {
  return comment?.tags?.some((tag) => tag.kind === kind) ?? false;
}
