import { defineConfig } from 'vitest/config'

/** `order` puts projects one after another: real processes must not starve each other and blame the code. */
const project = (name: string, order: number, timeoutMs: number, fileParallelism = true, retry = 0) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    environment: 'node' as const,
    fileParallelism,
    retry,
    sequence: { groupOrder: order },
  },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', 0, 10_000),
      project('mutants', 1, 30_000),
      project('conformance', 2, 120_000, false),
      // A real run may be INVALID for what the machine did meanwhile, which says nothing of us: once more then.
      project('e2e', 3, 300_000, false, 1),
    ],
  },
})
