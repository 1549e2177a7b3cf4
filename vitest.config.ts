import { defineConfig } from 'vitest/config'

const project = (name: string, testTimeout: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    environment: 'node' as const,
  },
})

export default defineConfig({
  test: {
    // Two cores: real processes in many files at once would starve each other and blame the code.
    maxWorkers: 2,
    projects: [
      project('unit', 10_000),
      project('conformance', 120_000),
      project('mutants', 30_000),
      project('e2e', 300_000),
    ],
  },
})
