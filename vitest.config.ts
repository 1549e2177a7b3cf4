import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** A real run that the machine made INVALID (exit code 4) says nothing of us: once more then, and for nothing else. */
const starved = /this machine is too busy|expected \[? ?4\b|'INVALID'|INVALID in \d|harness-healthy failed/

function filesThatSay(mark: RegExp): readonly string[] {
  const all = globSync('test/{mutants,conformance,e2e}/**/*.test.ts', { cwd: import.meta.dirname })
  return all.filter((file) => mark.test(readFileSync(new URL(file, import.meta.url), 'utf8')))
}

/** They say it, or import what says it: a busy machine would decide them, or they look at all of it. */
const alone = filesThatSay(/@alone\b|\/undisturbed\.ts'/)
/** They keep all processors busy by themselves. Beside them, others were red for want of one. */
const busy = filesThatSay(/@busy\b/)
/** They keep one processor busy each: one file for each, and nothing else. */
const core = filesThatSay(/@core\b/)
const apart = [...alone, ...busy, ...core]

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
      // Hooks start servers, and take their turn after the tests of other lanes.
      hookTimeout: 2 * timeoutMs,
      environment: 'node' as const,
      maxWorkers: workers,
      ...(retryOn && { retry: { count: 1, condition: retryOn } }),
      sequence: { groupOrder: order },
    },
  }
}

/** These start real servers with real time limits, and mostly wait. Three files at once starved them on two processors. */
const workers = Math.max(Math.min(2, availableParallelism()), Math.floor(availableParallelism() / 2))

export default defineConfig({
  test: {
    globalSetup: 'test/support/suite.ts',
    projects: [
      project('unit', { order: 0, workers: availableParallelism(), timeoutMs: 20_000 }),
      project('mutants', { order: 1, workers: 1, timeoutMs: 60_000, exclude: apart }),
      project('conformance', { order: 2, workers, timeoutMs: 240_000, exclude: apart }),
      project('core', { order: 3, workers: availableParallelism(), timeoutMs: 240_000, include: core }),
      project('busy', { order: 4, workers: 1, timeoutMs: 240_000, include: busy }),
      project('e2e', { order: 5, workers, timeoutMs: 300_000, exclude: apart, retryOn: starved }),
      project('alone', { order: 6, workers: 1, timeoutMs: 300_000, include: alone, retryOn: starved }),
    ],
  },
})
