import { defineConfig } from 'vitest/config'

/**
 * Where nothing outlives a test (no singletons, no processes, no clock but the test's own): files that run one after the other share the modules
 * that they load, which otherwise takes longer than the tests.
 */
const sharing = ['domain', 'factors', 'vault', 'audit', 'replay', 'feeds', 'mobile-contracts', 'engine', 'http'].map((folder) => `${folder}/**/*.test.ts`)
/** It looks at what the whole process keeps. */
const alone = ['http/fuzz.test.ts']
const others = ['node_modules/**', 'data/**']

export default defineConfig({
  test: {
    // The sizes of `npm run prove` take their time.
    testTimeout: process.env['PROVE'] ? 1_200_000 : 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'sharing', include: sharing, exclude: [...others, ...alone], isolate: false } },
      { extends: true, test: { name: 'alone', include: ['**/*.test.ts'], exclude: [...others, ...sharing] } },
      { extends: true, test: { name: 'processes', include: alone } },
    ],
  },
})
