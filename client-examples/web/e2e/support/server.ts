import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PLACES = ['../../target/release/quick-commerce', '../../target/debug/quick-commerce'];

/** A real server with the demo's data, in a folder of its own that goes with it. */
export class Server {
  readonly port: number;
  readonly #folder: string;
  readonly #program: string;
  readonly #settings: Record<string, string>;
  #process: ChildProcess | undefined;

  private constructor(program: string, folder: string, port: number, settings: Record<string, string>) {
    this.#program = program;
    this.#folder = folder;
    this.port = port;
    this.#settings = settings;
  }

  /** `settings` are the server's own, by their names in the environment. */
  static async start(settings: Record<string, string> = {}): Promise<Server> {
    const program = process.env.QC_SERVER ?? PLACES.find((place) => existsSync(place));
    if (!program)
      throw new Error(
        `there is no server to test with: name one by QC_SERVER, or build ${PLACES.join(' or ')}`,
      );
    const server = new Server(
      program,
      await mkdtemp(join(tmpdir(), 'quick-commerce-web-')),
      await freePort(),
      settings,
    );
    await server.begin();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where its mails go. */
  get mailFolder(): string {
    return join(this.#folder, 'mail');
  }

  /** Starts it, or starts it again with the data that it had, and waits until it says that it runs. */
  async begin(): Promise<void> {
    const child = spawn(this.#program, [], {
      cwd: this.#folder,
      env: {
        ...process.env,
        LISTEN_ADDR: `127.0.0.1:${this.port}`,
        DATABASE_URL: `sqlite://${join(this.#folder, 'shop.db')}`,
        MAIL_FOLDER: this.mailFolder,
        // Fixed, so that whoever was signed in before a restart still is.
        JWT_SECRET: 'a secret of the tests, the same at each start',
        PAYMENT_PROVIDER: 'sandbox',
        ATTEMPTS_PER_ACCOUNT: '0',
        LOG: 'warn',
        ...this.#settings,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    // Whoever interrupts the tests leaves no server behind.
    process.once('exit', () => child.kill('SIGKILL'));
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes('is running')) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`${this.#program} ended before it ran`);
  }

  /** Without a goodbye. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('a listener without an address');
  return address.port;
}
