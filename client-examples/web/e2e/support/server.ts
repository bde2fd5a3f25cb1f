import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Network } from './network';
import { Program } from './program';

const PLACES = ['../../target/release/quick-commerce', '../../target/debug/quick-commerce'];

/** Settings of whoever runs the tests: another database, Redis. The server's own names, as JSON. */
const GIVEN: Record<string, string> = JSON.parse(process.env.QC_SETTINGS ?? '{}');

/** How many instances there are; several need a database and a Redis to meet at. */
const INSTANCES = Number(process.env.QC_INSTANCES ?? 1);

/** One process of the server, and the way to it. */
export class Instance {
  readonly network: Network;
  readonly #program: string;
  readonly #folder: string;
  readonly #log: string;
  readonly #settings: Record<string, string>;
  #running: Program | undefined;
  #port = 0;

  constructor(network: Network, program: string, folder: string, settings: Record<string, string>) {
    this.network = network;
    this.#program = program;
    this.#folder = folder;
    this.#log = join(folder, `log-${network.port}`);
    this.#settings = settings;
  }

  /** Its own address, which no site knows of, and which is another one after each start. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, or starts it again with the data that it had. Nobody reaches it yet by its network. */
  async begin(): Promise<void> {
    this.#running = await Program.start([this.#program], {
      ready: /is running[\s\S]*GraphQL +http:\/\/[\d.]+:(\d+)/,
      cwd: this.#folder,
      env: this.#settings,
      log: this.#log,
    });
    this.#port = Number(this.#running.said[1]);
  }

  join(): void {
    this.network.lead(this.#port);
  }

  /** `kill -9`. It must have had nothing to complain of until then. */
  async kill(): Promise<void> {
    if (!this.#running) return;
    await this.#running.end();
    this.#running = undefined;
    this.network.cut();
    const log = await readFile(this.#log, 'utf8');
    const complaints = log.split('\n').filter((text) => / ERROR |panicked/.test(text));
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  }
}

/** A real server with the demo's data, in a folder of its own that goes with it: one process or several. */
export class Server {
  readonly instances: readonly Instance[];
  readonly #folder: string;

  private constructor(instances: readonly Instance[], folder: string) {
    this.instances = instances;
    this.#folder = folder;
  }

  /** `settings` are the server's own, by their names in the environment. */
  static async start(settings: Record<string, string> = {}): Promise<Server> {
    const program = process.env.QC_SERVER ?? PLACES.find((place) => existsSync(place));
    if (!program)
      throw new Error(
        `there is no server to test with: name one by QC_SERVER, or build ${PLACES.join(' or ')}`,
      );
    const folder = await mkdtemp(join(tmpdir(), 'quick-commerce-web-'));
    const networks = await Promise.all(Array.from({ length: INSTANCES }, () => Network.open()));
    const all = {
      LISTEN_ADDR: '127.0.0.1:0',
      DATABASE_URL: `sqlite://${join(folder, 'shop.db')}`,
      MAIL_FOLDER: join(folder, 'mail'),
      // Fixed, so that whoever was signed in before a restart still is.
      JWT_SECRET: 'a secret of the tests, the same at each start',
      PAYMENT_PROVIDER: 'sandbox',
      ATTEMPTS_PER_ACCOUNT: '0',
      DEMO: 'true',
      LOG: 'error',
      ...GIVEN,
      ...settings,
    };
    const server = new Server(
      networks.map((network) => new Instance(network, resolve(program), folder, all)),
      folder,
    );
    await server.begin();
    server.join();
    return server;
  }

  /** Where devices that are not on the site reach it. */
  get url(): string {
    return `http://127.0.0.1:${this.instances[0]?.network.port}`;
  }

  /** Where its mails go. */
  get mailFolder(): string {
    return join(this.#folder, 'mail');
  }

  /** Starts what does not run. It is reached once it has joined its network. */
  async begin(): Promise<void> {
    for (const instance of this.instances) await instance.begin();
  }

  join(): void {
    for (const instance of this.instances) instance.join();
  }

  /** Without a goodbye. */
  async kill(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.kill()));
  }

  async remove(): Promise<void> {
    await this.kill();
    for (const { network } of this.instances) network.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
