/** Servers, most of which become daemons of their own accord. @module */

import { asUser, findProgram, run } from "./place.ts";
import type { Launch, Program, Scene } from "./programs.ts";
import { accepts, answers, exists, missing } from "./readiness.ts";

const GET = "GET / HTTP/1.0\r\n\r\n";

function memcached({ port }: Scene): Launch {
  return {
    command: findProgram("memcached")!,
    args: ["-d", "-l", "127.0.0.1", "-p", String(port), "-U", "0"],
    ready: () => answers(port, "version\r\n", "VERSION"),
  };
}

async function lighttpd({ dir, port, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(
    `${dir}/lighttpd.conf`,
    `server.document-root = "${dir}"
server.bind = "127.0.0.1"
server.port = ${port}
server.errorlog = "${dir}/log"
server.max-worker = 2
`,
  );
  return {
    command: findProgram("lighttpd")!,
    args: ["-f", `${dir}/lighttpd.conf`],
    ready: async () => count() >= 3 && await answers(port, GET, "HTTP/1."),
  };
}

async function apache({ dir, port, count }: Scene): Promise<Launch> {
  const modules = "/usr/lib/apache2/modules";
  await Deno.writeTextFile(
    `${dir}/apache.conf`,
    `ServerRoot ${dir}
ServerName localhost
DefaultRuntimeDir ${dir}
PidFile ${dir}/pid
ErrorLog ${dir}/log
DocumentRoot ${dir}
Listen 127.0.0.1:${port}
LoadModule mpm_prefork_module ${modules}/mod_mpm_prefork.so
LoadModule authz_core_module ${modules}/mod_authz_core.so
StartServers 3
`,
  );
  return {
    command: findProgram("apache2")!,
    args: ["-f", `${dir}/apache.conf`, "-k", "start"],
    ready: async () => count() >= 4 && await answers(port, GET, "HTTP/1."),
  };
}

async function haproxy({ dir, port, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(
    `${dir}/haproxy.cfg`,
    `global
  nbthread 1
defaults
  mode http
  timeout client 9s
frontend all
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string hello
`,
  );
  return {
    command: findProgram("haproxy")!,
    args: ["-W", "-D", "-f", `${dir}/haproxy.cfg`],
    ready: async () => count() >= 2 && await answers(port, GET, "hello"),
  };
}

const WSGI = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
`;

async function gunicorn({ dir, port, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(`${dir}/app.py`, WSGI);
  return {
    command: findProgram("gunicorn")!,
    // deno-fmt-ignore
    args: ["--daemon", "--workers", "3", "--bind", `127.0.0.1:${port}`, "--chdir", dir, "app:app"],
    ready: async () => count() >= 4 && await answers(port, GET, "hello"),
  };
}

async function php({ dir, port, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(`${dir}/index.php`, "hello");
  return {
    command: findProgram("php")!,
    args: ["-S", `127.0.0.1:${port}`, "-t", dir],
    env: { PHP_CLI_SERVER_WORKERS: "4" },
    ready: async () => count() >= 5 && await answers(port, GET, "hello"),
  };
}

/** Connections that stay; what serves them lives as long as they do. */
function clients(port: number, wanted: number) {
  const open: Deno.Conn[] = [];
  return {
    async connected(): Promise<boolean> {
      try {
        while (open.length < wanted) {
          open.push(await Deno.connect({ hostname: "127.0.0.1", port }));
        }
        return true;
      } catch {
        return false;
      }
    },
    close: () => open.splice(0).forEach((one) => one.close()),
  };
}

async function sshd({ dir, port, count }: Scene): Promise<Launch> {
  const key = `${dir}/host_key`;
  await run(asUser(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]));
  const { connected, close } = clients(port, 2);
  return {
    command: findProgram("sshd")!,
    // deno-fmt-ignore
    args: ["-D", "-f", "/dev/null", "-p", String(port), "-h", key, "-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-o", "UsePAM=no"],
    ready: async () => await connected() && count() >= 3,
    close,
  };
}

function dnsmasq({ dir, port }: Scene): Launch {
  return {
    command: findProgram("dnsmasq")!,
    // deno-fmt-ignore
    args: ["--port", String(port), "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", `--pid-file=${dir}/pid`],
    ready: () => accepts(port),
  };
}

function socat({ port, count }: Scene): Launch {
  const { connected, close } = clients(port, 3);
  return {
    command: findProgram("socat")!,
    // deno-fmt-ignore
    args: [`TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, "EXEC:sleep 600,pty,setsid"],
    // One listens, and three have a program each, on a terminal of its own.
    ready: async () => await connected() && count() >= 7,
    close,
  };
}

function busybox({ dir, port }: Scene): Launch {
  return {
    command: findProgram("busybox")!,
    args: ["httpd", "-p", `127.0.0.1:${port}`, "-h", dir],
    ready: () => answers(port, GET, "HTTP/1."),
  };
}

function dbus({ dir, count }: Scene): Launch {
  const socket = `${dir}/bus`;
  return {
    command: findProgram("dbus-daemon")!,
    args: ["--session", "--fork", `--address=unix:path=${socket}`],
    daemon: true,
    ready: () => exists(socket) && count() === 1,
  };
}

function gpgAgent({ dir, count }: Scene): Launch {
  return {
    command: findProgram("gpg-agent")!,
    args: ["--homedir", dir, "--daemon"],
    daemon: true,
    ready: () => exists(`${dir}/S.gpg-agent`) && count() === 1,
  };
}

function erlang({ dir, port, count }: Scene): Launch {
  return {
    command: findProgram("erl")!,
    args: ["-detached", "-noinput", "-name", "real@127.0.0.1"],
    env: { ERL_EPMD_PORT: String(port), HOME: dir },
    // The machine, its helper for children, and the daemon of port numbers.
    ready: async () => count() >= 3 && await accepts(port),
  };
}

async function inotify({ dir, count }: Scene): Promise<Launch> {
  await Deno.writeTextFile(`${dir}/events`, "");
  await Deno.chmod(`${dir}/events`, 0o666);
  return {
    command: findProgram("inotifywait")!,
    args: ["--daemon", "--monitor", "--outfile", `${dir}/events`, dir],
    daemon: true,
    ready: () => count() === 1,
  };
}

/** Servers. */
export const servers: readonly Program[] = [
  {
    name: "memcached -d",
    outlives: true,
    obstacle: () => missing("memcached"),
    prepare: memcached,
  },
  {
    name: "lighttpd (daemon, 2 workers)",
    outlives: true,
    obstacle: () => missing("lighttpd"),
    prepare: lighttpd,
  },
  {
    name: "apache2 -k start (prefork)",
    outlives: true,
    obstacle: () => missing("apache2"),
    prepare: apache,
  },
  {
    name: "haproxy -W -D",
    outlives: true,
    obstacle: () => missing("haproxy"),
    prepare: haproxy,
  },
  {
    name: "gunicorn --daemon, 3 workers",
    outlives: true,
    obstacle: () => missing("gunicorn"),
    prepare: gunicorn,
  },
  {
    name: "php -S, 4 workers",
    outlives: true,
    obstacle: () => missing("php"),
    prepare: php,
  },
  {
    name: "sshd -D, 2 connections",
    outlives: true,
    obstacle: () => missing("sshd", "ssh-keygen"),
    prepare: sshd,
  },
  {
    name: "dnsmasq",
    outlives: true,
    obstacle: () => missing("dnsmasq"),
    prepare: dnsmasq,
  },
  {
    name: "socat fork, 3 connections with a pty",
    outlives: true,
    obstacle: () => missing("socat"),
    prepare: socat,
  },
  {
    name: "busybox httpd",
    outlives: true,
    obstacle: () => missing("busybox"),
    prepare: busybox,
  },
  {
    name: "dbus-daemon --fork",
    outlives: true,
    obstacle: () => missing("dbus-daemon"),
    prepare: dbus,
  },
  {
    name: "gpg-agent --daemon",
    outlives: true,
    obstacle: () => missing("gpg-agent"),
    prepare: gpgAgent,
  },
  {
    name: "erl -detached, with epmd",
    outlives: true,
    obstacle: () => missing("erl"),
    prepare: erlang,
  },
  {
    name: "inotifywait --daemon",
    outlives: true,
    obstacle: () => missing("inotifywait"),
    prepare: inotify,
  },
];
