import { defineConfig } from 'vitest/config'

/** `order` puts projects one after another: real processes must not starve each other and blame the code. */
const project = (name: string, order: number, timeoutMs: number, fileParallelism = true, retryOn?: RegExp) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    environment: 'node' as const,
    fileParallelism,
    ...(retryOn && { retry: { count: 1, condition: retryOn } }),
    sequence: { groupOrder: order },
  },
})

export default defineConfig({
  test: {
    globalSetup: 'test/support/suite.ts',
    projects: [
      project('unit', 0, 10_000),
      project('mutants', 1, 30_000),
      project('conformance', 2, 120_000, false),
      // A real run that the machine made INVALID (exit code 4) says nothing of us: once more then, and for nothing else.
      project(
        'e2e',
        3,
        300_000,
        false,
        /this machine is too busy|expected \[? ?4\b|'INVALID'|INVALID in \d|harness-healthy failed/,
      ),
    ],
  },
})
