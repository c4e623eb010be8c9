/** What a developer runs: npm, make, esbuild, vite. @module */

import { findProgram } from "./place.ts";
import type { Launch, Program, Scene } from "./programs.ts";
import { answers, exists, missing } from "./readiness.ts";

/** Where run.sh has installed packages of npm. */
const CACHE = Deno.env.get("KILLABLE_REAL_CACHE") ?? "";

function packageObstacle(name: string): string {
  if (missing("node") !== "") return missing("node");
  return exists(`${CACHE}/node_modules/${name}/package.json`)
    ? ""
    : `npm package '${name}' is not installed`;
}

const SERVER = `
require("node:http").createServer((_, response) => response.end("hello"))
  .listen(Number(process.argv[2]), "127.0.0.1");
`;

async function npm({ dir, port, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(`${dir}/server.js`, SERVER);
  await Deno.writeTextFile(
    `${dir}/package.json`,
    // The second command keeps the shell from becoming node.
    JSON.stringify({ scripts: { start: `node server.js ${port}; true` } }),
  );
  return {
    command: findProgram("npm")!,
    args: ["run", "start"],
    ready: async () =>
      count() >= 3 && await answers(port, "GET / HTTP/1.0\r\n\r\n", "hello"),
  };
}

async function make({ dir, count }: Scene): Promise<Launch> {
  const names = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `job${n}`);
  await Deno.writeTextFile(
    `${dir}/Makefile`,
    `all: ${names.join(" ")}\n${names.join(" ")}:\n\t@sleep 600; true\n`,
  );
  return {
    command: findProgram("make")!,
    args: ["-j8"],
    ready: () => count() === 17,
  };
}

const ESBUILD = `
const esbuild = require(process.argv[2] + "/node_modules/esbuild");
const { context } = esbuild;
context({ stdin: { contents: "let x: number = 1", loader: "ts" }, write: false })
  .then(async (ctx) => { await ctx.watch(); await ctx.serve({ host: "127.0.0.1", port: Number(process.argv[3]) }); });
`;

async function esbuild({ dir, port, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(`${dir}/watch.js`, ESBUILD);
  return {
    command: findProgram("node")!,
    args: [`${dir}/watch.js`, CACHE, String(port)],
    ready: async () =>
      count() >= 2 && await answers(port, "GET / HTTP/1.0\r\n\r\n", "HTTP/1"),
  };
}

async function vite({ dir, port, count }: Scene): Promise<Launch> {
  // A link, so that what is cached goes to this directory.
  await Deno.symlink(`${CACHE}/node_modules`, `${dir}/node_modules`);
  await Deno.writeTextFile(
    `${dir}/package.json`,
    JSON.stringify({ type: "module", scripts: { dev: "vite" } }),
  );
  await Deno.writeTextFile(
    `${dir}/vite.config.ts`,
    `export default { cacheDir: "${dir}/cache" };`,
  );
  await Deno.writeTextFile(
    `${dir}/index.html`,
    `<script type="module" src="/main.ts"></script>`,
  );
  await Deno.writeTextFile(`${dir}/main.ts`, "const x: number = 1;");
  return {
    command: findProgram("npm")!,
    // deno-fmt-ignore
    args: ["run", "dev", "--", "--host", "127.0.0.1", "--port", String(port), "--strictPort"],
    ready: async () =>
      // A file that esbuild has to translate.
      await answers(port, "GET /main.ts HTTP/1.0\r\n\r\n", "200 OK") &&
      count() >= 4,
  };
}

// It becomes a daemon, which detaches what it keeps running.
async function pm2({ dir, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(`${dir}/app.js`, "setInterval(() => {}, 60_000);");
  return {
    command: findProgram("node")!,
    // deno-fmt-ignore
    args: [`${CACHE}/node_modules/pm2/bin/pm2`, "start", `${dir}/app.js`, "-i", "2"],
    env: { PM2_HOME: `${dir}/pm2` },
    // The daemon and two; the client has ended.
    ready: () => count() === 3,
  };
}

function concurrently({ count }: Scene): Launch {
  return {
    command: findProgram("node")!,
    // deno-fmt-ignore
    args: [`${CACHE}/node_modules/concurrently/dist/bin/concurrently.js`, "sleep 600; true", "sleep 601; true", "sleep 602; true"],
    ready: () => count() >= 7,
  };
}

/** What a developer runs. */
export const tools: readonly Program[] = [
  {
    name: "npm run -> sh -> node",
    outlives: true,
    obstacle: () => missing("npm"),
    prepare: npm,
  },
  {
    name: "make -j8 with sleepers",
    outlives: true,
    obstacle: () => missing("make"),
    prepare: make,
  },
  {
    name: "esbuild, watching and serving",
    // The service ends when its standard input does.
    outlives: false,
    obstacle: () => packageObstacle("esbuild"),
    prepare: esbuild,
  },
  {
    name: "npm run -> vite with esbuild",
    outlives: true,
    obstacle: () => packageObstacle("vite"),
    prepare: vite,
  },
  {
    name: "pm2 start -i 2",
    outlives: true,
    obstacle: () => packageObstacle("pm2"),
    prepare: pm2,
  },
  {
    name: "concurrently, 3 commands",
    outlives: true,
    obstacle: () => packageObstacle("concurrently"),
    prepare: concurrently,
  },
];
