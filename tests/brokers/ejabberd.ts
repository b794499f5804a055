/**
 * ejabberd with nothing but mod_mqtt, as an Erlang node without distribution and so without epmd.
 *
 * @module
 */

import { freePort } from "../support/ports.ts";
import { LOGIN, type StartBroker, type Started, withFolder } from "./broker.ts";
import { Daemon } from "./daemon.ts";

/** Where Debian puts Erlang's libraries, by the machine's architecture. */
const LIBRARIES = `/usr/lib/${Deno.build.arch}-linux-gnu`;

/** See the module. */
export const startEjabberd: StartBroker = (certificates) =>
  withFolder("ejabberd", async (folder, stack): Promise<Started> => {
    const [port, tlsPort] = [freePort(), freePort()];
    const { server, ca } = certificates;
    const listener = (at: number, tls: boolean) => ({
      port: at,
      ip: "127.0.0.1",
      module: "mod_mqtt",
      tls,
    });
    // JSON is YAML.
    const settings = {
      hosts: ["localhost"],
      certfiles: [server.certFile, server.keyFile],
      ca_file: ca.certFile,
      auth_method: "internal",
      listen: [listener(port, false), listener(tlsPort, true)],
      modules: { mod_mqtt: {} },
    };
    await Deno.writeTextFile(`${folder}/ejabberd.yml`, JSON.stringify(settings));
    await Deno.mkdir(`${folder}/database`);
    const { username, password } = LOGIN;
    const register = `ok = ejabberd_auth:try_register(<<"${username}">>, <<"localhost">>, ` +
      `<<"${password}">>), io:format("The user is registered~n").`;
    const node = stack.use(
      await Daemon.start({
        name: "ejabberd",
        command: [
          "erl",
          "-noinput",
          "+K",
          "true",
          "-mnesia",
          "dir",
          `"${folder}/database"`,
          "-s",
          "ejabberd",
          "-eval",
          register,
        ],
        cwd: folder,
        env: {
          HOME: folder,
          EJABBERD_CONFIG_PATH: `${folder}/ejabberd.yml`,
          EJABBERD_LOG_PATH: `${folder}/ejabberd.log`,
          ERL_CRASH_DUMP: `${folder}/crash`,
          ERL_LIBS: LIBRARIES,
        },
        ready: [
          /The user is registered/,
          RegExp(`Start accepting.*:${port} `),
          RegExp(`Start accepting.*:${tlsPort} `),
        ],
      }),
    );
    const version = node.said(/ejabberd ([\d.]+)\S* is started/);
    const name = `${username}@localhost`;
    return { hostname: "127.0.0.1", port, tlsPort, version, username: name };
  });
