/** Programs that leave their parent: servers, tmux, ssh-agent, nohup. @module */

import { asUser, findProgram, run, succeeds } from "./place.ts";
import type { Launch, Program, Scene } from "./programs.ts";
import { answers, exists, missing } from "./readiness.ts";

const PG_BIN = newestPostgres();

/** The newest PostgreSQL of Debian's, whose programs are not in PATH. */
function newestPostgres(): string {
  const found: string[] = [];
  try {
    for (const { name } of Deno.readDirSync("/usr/lib/postgresql")) {
      found.push(name);
    }
  } catch {
    return "";
  }
  const newest = found.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? "" : `/usr/lib/postgresql/${newest}/bin/`;
}

async function postgres({ dir, port, count }: Scene): Promise<Launch> {
  const data = `${dir}/data`;
  // deno-fmt-ignore
  await run(asUser([`${PG_BIN}initdb`, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]), { cwd: dir });
  const clients: Deno.Conn[] = [];
  return {
    command: `${PG_BIN}pg_ctl`,
    // deno-fmt-ignore
    args: ["start", "-w", "-D", data, "-l", `${dir}/log`, "-o", `-p ${port} -k ${dir} -c listen_addresses=127.0.0.1`],
    async ready() {
      // Two clients that stay: each has a backend, in a session of its own.
      while (clients.length < 2) {
        const client = await greetPostgres(port);
        if (client === null) return false;
        clients.push(client);
      }
      return count() >= 8;
    },
    close: () => clients.splice(0).forEach((client) => client.close()),
  };
}

/** Logs in, as libpq does: StartupMessage, protocol 3.0. */
async function greetPostgres(port: number): Promise<Deno.Conn | null> {
  const text = new TextEncoder().encode(
    "user\0postgres\0database\0postgres\0\0",
  );
  const message = new Uint8Array(8 + text.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length);
  view.setUint32(4, 0x0003_0000);
  message.set(text, 8);
  let conn: Deno.Conn | undefined;
  try {
    conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(message);
    const reply = new Uint8Array(1024);
    const n = await conn.read(reply);
    // 'R': authentication; an 'E' says that it is starting up.
    if (n !== null && reply[0] === 0x52) return conn;
  } catch {
    // Not listening yet.
  }
  conn?.close();
  return null;
}

async function nginx({ dir, port, count }: Scene): Promise<Launch> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  await Deno.writeTextFile(
    `${dir}/nginx.conf`,
    `daemon on; worker_processes 3; pid ${dir}/pid; working_directory ${dir};
error_log ${dir}/error.log;
events { worker_connections 64; }
http { access_log off;
${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join(" ")}
server { listen 127.0.0.1:${port}; location / { return 200 'hello'; } } }
`,
  );
  return {
    command: findProgram("nginx")!,
    args: ["-p", dir, "-c", `${dir}/nginx.conf`, "-e", `${dir}/error.log`],
    ready: async () =>
      count() === 4 &&
      await answers(port, "GET / HTTP/1.0\r\n\r\n", "200 OK"),
  };
}

function redis({ dir, port }: Scene): Launch {
  return {
    command: findProgram("redis-server")!,
    // deno-fmt-ignore
    args: ["--daemonize", "yes", "--bind", "127.0.0.1", "--port", String(port), "--dir", dir, "--save", ""],
    ready: () => answers(port, "PING\r\n", "+PONG"),
  };
}

function tmux({ dir, count }: Scene): Launch {
  const socket = `${dir}/tmux.sock`;
  return {
    command: findProgram("tmux")!,
    // deno-fmt-ignore
    args: ["-S", socket, "-f", "/dev/null", "new", "-d", `sh -c 'sleep 600 & sleep 600'`],
    ready: async () =>
      count() >= 4 &&
      await succeeds(asUser([findProgram("tmux")!, "-S", socket, "ls"])),
  };
}

function sshAgent({ dir }: Scene): Launch {
  return {
    command: findProgram("ssh-agent")!,
    args: ["-a", `${dir}/agent.sock`],
    daemon: true,
    ready: () => exists(`${dir}/agent.sock`),
  };
}

function nohup({ count }: Scene): Launch {
  return {
    command: "/bin/sh",
    args: ["-c", "nohup setsid sleep 600 >/dev/null 2>&1 &"],
    daemon: true,
    ready: () => count() === 1,
  };
}

/** Programs that leave their parent. */
export const daemons: readonly Program[] = [
  {
    name: "PostgreSQL (pg_ctl start, 2 clients)",
    outlives: true,
    obstacle: () => PG_BIN === "" ? "no /usr/lib/postgresql" : "",
    prepare: postgres,
  },
  {
    name: "nginx (daemon, 3 workers)",
    outlives: true,
    obstacle: () => missing("nginx"),
    prepare: nginx,
  },
  {
    name: "redis-server --daemonize",
    outlives: true,
    obstacle: () => missing("redis-server"),
    prepare: redis,
  },
  {
    name: "tmux new -d",
    outlives: true,
    obstacle: () => missing("tmux"),
    prepare: tmux,
  },
  {
    name: "ssh-agent",
    outlives: true,
    obstacle: () => missing("ssh-agent"),
    prepare: sshAgent,
  },
  {
    name: "nohup setsid sleep &",
    outlives: true,
    obstacle: () => missing("setsid"),
    prepare: nohup,
  },
];
