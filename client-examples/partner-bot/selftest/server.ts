import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PATIENCE_MS } from './process.ts';

/** Ends the server when it is told to, and at the latest when the other end of its standard input is gone, whatever with. */
const WATCHDOG = '"$0" </dev/null & read -r _; kill $!; wait $!';

/** A server with the demo data whose tokens are soon worn out, and that can be started anew. Settings come from the environment. */
export class ServerProcess {
  readonly #program: string;
  readonly #settings: Record<string, string>;
  readonly #folder: string;
  #watchdog: ChildProcess | undefined;

  private constructor(program: string, port: number, folder: string) {
    this.#program = program;
    this.#folder = folder;
    this.#settings = { LISTEN_ADDR: `127.0.0.1:${port}`, DEMO: 'true', ACCESS_TOKEN_SECONDS: '20', DRAIN_SECONDS: '0' };
    // the same after a restart, as it is in production
    this.#settings.JWT_SECRET = process.env.JWT_SECRET ?? randomUUID();
    this.#settings.LOG = process.env.LOG ?? 'warn';
  }

  static async start(program: string): Promise<ServerProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'partner-bot-server-'));
    const server = new ServerProcess(program, await freePort(), folder);
    await server.#run();
    return server;
  }

  get url(): string {
    return `http://${this.#settings.LISTEN_ADDR}`;
  }

  /** As an upgrade does it. */
  async restart(): Promise<void> {
    await this.#end();
    await this.#run();
  }

  async stop(): Promise<void> {
    await this.#end();
    await rm(this.#folder, { recursive: true });
  }

  async #run(): Promise<void> {
    const env = { ...process.env, ...this.#settings };
    const options = { cwd: this.#folder, env, stdio: ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'] };
    const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, this.#program], options);
    this.#watchdog = watchdog;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the server did not say where it is')), PATIENCE_MS);
      createInterface({ input: watchdog.stdout }).on('line', (line) => {
        if (!line.includes('/graphiql')) return;
        clearTimeout(late);
        resolve();
      });
    });
  }

  async #end(): Promise<void> {
    const ended = once(this.#watchdog!, 'exit');
    this.#watchdog?.stdin?.end();
    await ended;
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}
