import { parseArgs } from "node:util";
import { LaunchError } from "./errors.ts";

/** Where the credentials come from. */
export type Source =
  | { readonly kind: "command"; readonly command: string }
  | { readonly kind: "fd"; readonly fd: number };

/** What the command line asks for. */
export type LaunchCommand =
  | { readonly kind: "help" }
  | {
    readonly kind: "launch";
    readonly source: Source;
    /** The server's program; undefined for the one in `dist/`. */
    readonly server: string | undefined;
    readonly serverArgs: readonly string[];
  };

/** The text of `--help`. */
export const USAGE = `Usage: launch.ts (--credentials-command COMMAND | --credentials-fd N)
                 [--server PATH] [-- SERVER_ARGUMENT…]

Starts mqtt-smcp-server for an MCP host that does not speak SMCP: hands it the credentials, and
is a pipe between the two from there on.

--credentials-command  a command line for this system's shell; what it prints are the credentials
--credentials-fd       a file descriptor, 3 or above: a pipe to read them from (Linux, macOS)
--server               the server's program (default: dist/mqtt-smcp-server)

The credentials are one JSON object, or lines of KEY=value with the value taken as it stands.
They are never arguments: those can be read by every user of the machine.`;

/** An argument that hands over a value: `KEY=value`, also behind dashes when it is one of ours. */
const HANDS_OVER = /^(?:[a-z_]\w*|-+MQTT_\w*)=/i;

const OPTIONS = {
  "credentials-command": { type: "string" },
  "credentials-fd": { type: "string" },
  "help": { type: "boolean" },
  "server": { type: "string" },
} as const;

/**
 * Reads the command line.
 *
 * `node:util` instead of the scripts' usual parser: hosts start the launcher directly, on networks
 * too where nothing can be fetched, and nothing foreign is to be loaded where credentials pass.
 *
 * @param args without the program's name
 * @throws {LaunchError} with exit code 2; the message repeats no argument, since one may be a secret
 */
export function readLaunchFlags(args: readonly string[]): LaunchCommand {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const serverArgs = end < 0 ? [] : args.slice(end + 1);
  const { values, positionals } = parse(own);
  if ([...positionals, ...serverArgs].some((argument) => HANDS_OVER.test(argument))) {
    throw wrong(
      "credentials must not be arguments, where other users can read them; " +
        "use --credentials-command or --credentials-fd",
    );
  }
  if (positionals.length > 0) throw unknown();
  if (values.help === true) return { kind: "help" };
  const source = sourceOf(values["credentials-command"], values["credentials-fd"]);
  if (values.server === "") throw wrong("--server needs the path of a program");
  return { kind: "launch", source, server: values.server, serverArgs };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch {
    // The parser's own message quotes the argument.
    if (args.some((argument) => /^-*MQTT_\w*=/i.test(argument))) {
      throw wrong("credentials must not be arguments, where other users can read them");
    }
    throw unknown();
  }
}

function sourceOf(command: string | undefined, fd: string | undefined): Source {
  if ((command === undefined) === (fd === undefined)) {
    throw wrong("give one of --credentials-command and --credentials-fd; see --help");
  }
  if (command !== undefined) {
    if (command.trim() === "") throw wrong("--credentials-command needs a command line");
    return { kind: "command", command };
  }
  // 0 to 2 are the host's: MCP itself goes over the first two.
  if (fd === undefined || !/^\d{1,4}$/.test(fd) || Number(fd) < 3) {
    throw wrong("--credentials-fd needs the number of a file descriptor, 3 or above");
  }
  return { kind: "fd", fd: Number(fd) };
}

function unknown(): LaunchError {
  return wrong("an argument is not known (not shown, as it may be a secret); see --help");
}

function wrong(reason: string): LaunchError {
  return new LaunchError(`Cannot launch: ${reason}`, 2);
}
