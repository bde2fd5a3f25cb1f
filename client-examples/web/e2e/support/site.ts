import type { Socket } from 'node:net';
import { createLogger, type PreviewServer, preview } from 'vite';
import { freePort } from './server';

/** The built pages, served with the API behind the same address: what nginx does in production. */
export class Site {
  readonly port: number;
  readonly #api: string;
  readonly #sockets = new Set<Socket>();
  #preview: PreviewServer | undefined;

  private constructor(port: number, api: string) {
    this.port = port;
    this.#api = api;
  }

  static async open(api: string): Promise<Site> {
    const site = new Site(await freePort(), api);
    await site.open();
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async open(): Promise<void> {
    // What the paths of the API lead to, vite.config.ts says.
    process.env.QC_API = this.#api;
    this.#preview = await preview({
      // That the server is away now and then is what is tested, and no news.
      customLogger: createLogger('silent'),
      preview: {
        host: '127.0.0.1',
        port: this.port,
        strictPort: true,
        // As nginx may send it: the pages bring all that they need, and ask nobody else.
        headers: { 'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'" },
      },
    });
    // Also those that became WebSockets, which the server itself forgets about.
    this.#preview.httpServer.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Nobody reaches anything any more. */
  async close(): Promise<void> {
    const { httpServer } = this.#preview ?? {};
    this.#preview = undefined;
    if (!httpServer) return;
    await new Promise<void>((resolve) => {
      httpServer.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}
