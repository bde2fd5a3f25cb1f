import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { login } from './login.ts';

const theirs = { EMAIL: 'rider@shop.example', PASSWORD: 'their own' };

test('the demo’s account is for servers on this machine', () => {
  for (const server of ['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080/', 'https://localhost']) {
    assert.deepEqual(login(server, {}, 'partner@demo.test'), { email: 'partner@demo.test', password: 'quick-commerce' }, server);
  }
  for (const server of ['https://shop.example', 'http://localhost.shop.example', 'http://192.168.0.2:8080', 'http://localhost@shop.example']) {
    for (const env of [{}, { EMAIL: theirs.EMAIL }, { PASSWORD: theirs.PASSWORD }, { ...theirs, PASSWORD: '' }]) {
      assert.throws(() => login(server, env, 'partner@demo.test'), /set EMAIL and PASSWORD/, server);
    }
    assert.deepEqual(login(server, theirs, 'partner@demo.test'), { email: theirs.EMAIL, password: theirs.PASSWORD });
  }
});

test('a bot that is not told whose account to use elsewhere says so, and ends', { timeout: 60_000 }, () => {
  const { EMAIL: _email, PASSWORD: _password, ...env } = process.env;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const command = ['--import', 'tsx', 'src/main.ts', 'https://shop.example'];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd, env, encoding: 'utf8' });
  assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
  assert.match(stderr, /^https:\/\/shop\.example is not on this machine: set EMAIL and PASSWORD.*\n$/);
});
