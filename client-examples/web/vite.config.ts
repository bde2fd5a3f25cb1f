import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Where the server is while nginx is not there to stand before it: in development, and for `vite preview`.
const api = { target: process.env.QC_API ?? 'http://127.0.0.1:8080' };

// What is not of this app. The host of the page is passed on, so that the server sees requests of its own origin.
const proxy = {
  '/graphql': { ...api, ws: true },
  '/sandbox': api,
  '/demo': api,
};

export default defineConfig({
  plugins: [react()],
  server: { proxy },
  preview: { proxy },
  build: {
    target: 'es2022',
    // What comes from others changes less often than what is ours, and stays in browsers' caches.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'libraries', test: /node_modules/ }] } } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
