import { defineConfig } from 'vitest/config';

// Everything in files of its own: the policy of the page (default-src 'self') forbids what is inline.
export default defineConfig({
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: { include: ['tests/**/*.test.ts'] },
});
