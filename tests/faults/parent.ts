/**
 * A parent to be killed: starts the command in its arguments, hands it the first line of its own
 * stdin as credentials and the others as they come, and prints the child's process id. With `--deaf`
 * as first argument it reads nothing of the child after the handshake.
 *
 * @module
 */

const utf8 = new TextEncoder();

async function lineOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Cannot read a line: the stream ended after ${text.length} bytes`);
    text += new TextDecoder().decode(value);
  }
  return text;
}

async function main([first = "", ...rest]: readonly string[]): Promise<void> {
  const deaf = first === "--deaf";
  const [program = "", ...args] = deaf ? rest : [first, ...rest];
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const input = Deno.stdin.readable.getReader();
  const output = child.stdout.getReader();
  const writer = child.stdin.getWriter();
  await lineOf(output);
  await writer.write(utf8.encode(await lineOf(input)));
  await lineOf(output);
  await Deno.stdout.write(utf8.encode(`${child.pid}\n`));
  if (!deaf) void drain(output);
  for (let read = await input.read(); !read.done; read = await input.read()) {
    await writer.write(read.value);
  }
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

if (import.meta.main) await main(Deno.args);
