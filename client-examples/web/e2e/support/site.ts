import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, preview } from 'vite';
import { find, Program } from './program';
import type { Server } from './server';

/** The built pages, served with the API behind the same address. */
export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** Whether the pages come by the repository's nginx.conf; else by Vite, as they do for whoever has no nginx. */
export const isNginx = process.env.QC_NGINX === '1';

export interface SiteSettings {
  /** With it the pages may bring Stripe's form. */
  stripeKey?: string;
}

export function openSite(server: Server, settings: SiteSettings = {}): Promise<Site> {
  return isNginx ? byNginx(server, settings) : byVite(server);
}

async function byVite(server: Server): Promise<Site> {
  // What the paths of the API lead to, vite.config.ts says.
  process.env.QC_API = server.url;
  const { httpServer } = await preview({
    // That the server is away now and then is what is tested, and no news.
    customLogger: createLogger('silent'),
    preview: {
      host: '127.0.0.1',
      port: 0,
      strictPort: true,
      // The pages bring all that they need, and ask nobody else.
      headers: { 'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'" },
    },
  });
  const { port } = httpServer.address() as AddressInfo;
  // Those that became WebSockets too, of which the server itself knows no more, and which nobody may end when what they lead to is away.
  const sockets = new Set<Socket>();
  httpServer.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const closed = once(httpServer, 'close');
      httpServer.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** What is a matter of place in nginx.conf: as deploy/nginx/templates has it, for these instances and without limits. */
function placeHttp(server: Server, { stripeKey = '' }: SiteSettings): string {
  const instances = server.instances.map(
    ({ network }) => `server 127.0.0.1:${network.port} max_fails=1 fail_timeout=2s;`,
  );
  return `upstream api { zone api 256k; least_conn; ${instances.join(' ')} keepalive 64; keepalive_timeout 50s; }
limit_req_zone $client zone=requests:1m rate=10000r/s;
set_real_ip_from 192.0.2.1;
map "" $stripe_publishable_key { default "${stripeKey}"; }
`;
}

async function byNginx(server: Server, settings: SiteSettings): Promise<Site> {
  const program = find(['nginx'], ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']);
  if (!program) throw new Error('there is no nginx: tests/run says what to install');
  const folder = await mkdtemp(join(tmpdir(), 'quick-commerce-nginx-'));
  // Its workers are somebody else when it is started by root.
  await chmod(folder, 0o755);
  await cp('dist', join(folder, 'web'), { recursive: true });
  await cp('../../nginx.conf', join(folder, 'nginx.conf'));
  await mkdir(join(folder, 'place'));
  await writeFile(join(folder, 'place/http.conf'), placeHttp(server, settings));
  const errors: unknown[] = [];
  // A port that is free now may be somebody else's in a moment.
  while (errors.length < 3) {
    const port = await freePort();
    const root = `listen 127.0.0.1:${port};\nroot ${join(folder, 'web')};\n`;
    await writeFile(join(folder, 'place/server.conf'), root);
    try {
      const nginx = await Program.start(
        [
          program,
          '-e',
          'stderr',
          '-p',
          `${folder}/`,
          '-c',
          join(folder, 'nginx.conf'),
          '-g',
          'daemon off; error_log stderr notice;',
        ],
        { ready: /start worker process /, cwd: folder, log: join(folder, 'log'), signal: 'TERM' },
      );
      return {
        url: `http://127.0.0.1:${port}`,
        close: async () => {
          await nginx.end();
          await rm(folder, { recursive: true, force: true });
        },
      };
    } catch (error) {
      errors.push(error);
    }
  }
  await rm(folder, { recursive: true, force: true });
  throw errors[0];
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
