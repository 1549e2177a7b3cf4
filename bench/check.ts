/**
 * Judging a large run again: `outlast check` on one cell of so many ops with 50 faults, as it was recorded, checksums included.
 * The run is made up beforehand by another process and is not counted. Peak memory is the kernel's word.
 *
 * usage: node bench/check.ts [OPS] [FAULTS]
 */
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import { discover } from '../harness/core/discover.ts'
import type { Checker } from '../harness/model/checker.ts'
import type { Op } from '../harness/model/history.ts'
import { judgeFolder } from '../harness/run/judge.ts'
import { cellFolder, createRun, writeResults } from '../harness/store/run-folder.ts'
import { simulate } from '../test/mutants/simulate.ts'
import { ledgerOf } from '../test/support/recorded-run.ts'
import { study } from '../test/unit/reports/study.ts'
import { spawn } from '../test/support/programs.ts'
import { openBenchRun } from './bench-run.ts'

const here = fileURLToPath(import.meta.url)
const command = fileURLToPath(new URL('../bin/outlast.js', import.meta.url))
const opsPerTask = 15
const [first, second, third] = process.argv.slice(2)

if (first === '--make') await makeRun(second!, third!)
else await measure(Number(first ?? 1_000_000), Number(second ?? 50))

async function measure(ops: number, faults: number): Promise<void> {
  await using benchRun = await openBenchRun()
  const given = ['--max-old-space-size=12000', here, '--make', benchRun.temp, `${ops},${faults}`]
  const made = spawn(process.execPath, given, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [chunk] = (await once(made.stdout, 'data')) as [Buffer]
  await once(made, 'exit')
  const { folder, lines } = JSON.parse(String(chunk)) as { folder: string; lines: number }
  const { seconds, cpuSeconds, peakMiB, code } = await check(folder)
  console.log('| ops | faults | seconds | cpu seconds | peak MiB | exit code |')
  console.log('| --: | -----: | ------: | ----------: | -------: | --------: |')
  console.log(`| ${lines} | ${faults} | ${seconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} | ${peakMiB} | ${code} |`)
}

interface Cost {
  readonly seconds: number
  /** Of all its threads: what a busy machine does not stretch much. */
  readonly cpuSeconds: number
  readonly peakMiB: number
  readonly code: number | null
}

async function check(folder: string): Promise<Cost> {
  const startedAt = monotonicMs()
  const child = spawn(process.execPath, [command, 'check', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  let [peakKiB, cpuSeconds] = [0, 0]
  const watch = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOf(child.pid!))
    cpuSeconds = Math.max(cpuSeconds, cpuOf(child.pid!))
  }, 20)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearInterval(watch)
  return { seconds: (monotonicMs() - startedAt) / 1000, cpuSeconds, peakMiB: Math.round(peakKiB / 1024), code }
}

/** The largest resident set so far, in KiB; 0 where the kernel does not say. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** The kernel counts in hundredths of a second. */
function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return 0
  }
}

async function makeRun(out: string, size: string): Promise<void> {
  const [ops, faults] = size.split(',').map(Number) as [number, number]
  const tasks = Math.ceil(ops / opsPerTask)
  const gapMs = (tasks * 25) / (faults + 1)
  const kills = Array.from({ length: faults }, (_, i) => ({ ordinal: i % 4, atMs: (i + 1) * gapMs }))
  const history = simulate({ delivery: 'sse-polling', engine: 'durable', tasks, kills, seed: 1 })
  const planned = (history[0] as Extract<Op, { f: 'cell' }>).value
  const { environment, plan } = study(1)
  const own = { ...plan, scenario: 'bench', cells: [planned], notApplicable: [], health: planned.health }
  const run = await createRun(out, { environment, plan: own, schedule: '{}\n', scenarioText: 'name: bench\n' })
  const cell = cellFolder(run, planned.id)
  mkdirSync(dirname(cell.history), { recursive: true })
  writeLines(cell.history, history)
  writeLines(cell.ledger, ledgerOf(history))
  writeFileSync(cell.evidence, '')
  const checkers = await discover<Checker>(new URL('../harness/checkers/', import.meta.url))
  await writeResults(run, await judgeFolder(run, [...checkers.values()], 'fresh'))
  console.log(JSON.stringify({ folder: run.path, lines: history.length }))
}

function writeLines(path: string, values: readonly object[]): void {
  const file = openSync(path, 'w')
  for (let from = 0; from < values.length; from += 10_000)
    writeSync(
      file,
      values
        .slice(from, from + 10_000)
        .map((value) => `${JSON.stringify(value)}\n`)
        .join(''),
    )
  closeSync(file)
}
