import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** A real run that the machine made INVALID (exit code 4) says nothing of us: once more then, and for nothing else. */
const starved = /this machine is too busy|expected \[? ?4\b|'INVALID'|INVALID in \d|harness-healthy failed/

/** Files say it with `@alone`, or by what they import: a busy machine would decide them, or they look at all of it. */
const alone = globSync('test/{mutants,conformance,e2e}/**/*.test.ts', { cwd: import.meta.dirname }).filter((file) =>
  /@alone\b|\/undisturbed\.ts'/.test(readFileSync(new URL(file, import.meta.url), 'utf8')),
)

interface Kind {
  readonly order: number
  readonly workers: number
  readonly timeoutMs: number
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly retryOn?: RegExp
}

/** Projects of the same order run side by side, the others one after another. */
function project(name: string, { order, workers, timeoutMs, include, exclude, retryOn }: Kind) {
  return {
    test: {
      name,
      include: [...(include ?? [`test/${name}/**/*.test.ts`])],
      exclude: [...(exclude ?? [])],
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      environment: 'node' as const,
      maxWorkers: workers,
      ...(retryOn && { retry: { count: 1, condition: retryOn } }),
      sequence: { groupOrder: order },
    },
  }
}

/** These start real servers with real time limits. Three files at once starved them on two processors: red tests of good code. */
const workers = Math.max(1, Math.floor(availableParallelism() / 2))

export default defineConfig({
  test: {
    globalSetup: 'test/support/suite.ts',
    projects: [
      project('unit', { order: 0, workers: availableParallelism(), timeoutMs: 10_000 }),
      project('mutants', { order: 1, workers, timeoutMs: 30_000, exclude: alone }),
      project('conformance', { order: 2, workers, timeoutMs: 120_000, exclude: alone }),
      project('e2e', { order: 3, workers, timeoutMs: 300_000, exclude: alone, retryOn: starved }),
      project('alone', { order: 4, workers: 1, timeoutMs: 300_000, include: alone, retryOn: starved }),
    ],
  },
})
