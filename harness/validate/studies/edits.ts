import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describeError, HarnessError } from '../../core/errors.ts'
import { createRng } from '../../core/rng.ts'
import { judgeFolder } from '../../run/judge.ts'
import { type CellFolder, cellFolder } from '../../store/run-folder.ts'
import { readHistory } from '../../store/history-file.ts'
import type { CellResult } from '../../model/results.ts'
import { controlEngine } from '../controls/engines.ts'
import type { Edit, Recorded } from '../edits/edit.ts'
import { edits } from '../edits/edits.ts'
import type { Lab, Study } from '../lab.ts'
import { cellOf, type Row, rowOf } from '../row.ts'

const pattern = 'sse-polling+null'
const flips = 64

const study: Study = {
  name: 'edits',
  controls: { edits: 'the record stays as it is', flips: 'no bit is flipped' },
  async run(lab) {
    const { folder, results } = await lab.measure(scenarioOf(lab), [controlEngine('null')])
    const cells = { none: cellOf(results, pattern, 'none'), pause: cellOf(results, pattern, 'pause') }
    const rows: Row[] = []
    for (const edit of edits) rows.push(await editRow(edit, folder, cells[edit.arm], lab))
    return [...rows, await flipsRow(folder, cells.none, lab)]
  },
}
export default study

function scenarioOf({ seed }: Lab): string {
  return `name: validate-edits
question: Is a record that was changed judged by what was changed?
seed: ${seed}
timeScale: 20
profile: smoke
patterns: [${pattern}]
load: { tasks: 30, arrivals: uniform, rate: 30/min }
grace: 60s
replicas: { api: 1, executor: 1 }
arms:
  none: []
  pause:
    - { fault: pause, target: executor-0, at: 30s, for: 6s }
health: { pacerLagP99: 300ms, eventLoopDelayP99: 150ms }
`
}

async function editRow(edit: Edit, folder: string, base: CellResult | undefined, lab: Lab): Promise<Row> {
  const about = { control: 'edits', what: edit.name, expected: edit.expected }
  if (base?.verdict !== 'PASS')
    return { ...about, got: `${base?.verdict ?? 'no result'} before`, verdict: 'unmeasured' }
  const got = await onCopy(folder, base, lab, async (files, judge) => {
    if (!lab.isOff('edits')) await writeRecord(files, edit.change(await readRecord(files)))
    return judge('edited')
  })
  return rowOf({ ...about, got }, isAsExpected(got, edit.expected))
}

/** Words in capitals alone, but for PASS, and a refusal leave open on what they rest. */
function isAsExpected(got: string, expected: string): boolean {
  return ['INVALID', 'INCONCLUSIVE', 'refused'].includes(expected) ? got.startsWith(expected) : got === expected
}

/** Without `--edited` a record with another checksum is not judged. */
async function flipsRow(folder: string, base: CellResult | undefined, lab: Lab): Promise<Row> {
  const about = { control: 'flips', what: `one bit of a history flipped, ${flips} times`, expected: `${flips} refused` }
  if (!base) return { ...about, got: 'no result', verdict: 'unmeasured' }
  const rng = createRng(lab.seed, 'flips')
  const refused = await onCopy(folder, base, lab, async ({ history }, judge) => {
    const whole = await readFile(history)
    let count = 0
    for (let i = 0; i < flips; i++) {
      await writeFile(history, lab.isOff('flips') ? whole : flipped(whole, rng.next()))
      if ((await judge('recorded')).startsWith('refused')) count++
    }
    return count
  })
  return rowOf({ ...about, got: `${refused} refused` }, refused === flips)
}

function flipped(whole: Buffer, where: number): Buffer {
  const bit = Math.floor(where * whole.length * 8)
  const bytes = Buffer.from(whole)
  bytes[bit >> 3]! ^= 1 << (bit & 7)
  return bytes
}

type Judge = (taken: 'recorded' | 'edited') => Promise<string>

/** Do something with a copy of a run, and judge it as the command does. */
async function onCopy<T>(
  folder: string,
  base: CellResult,
  lab: Lab,
  act: (files: CellFolder, judge: Judge) => Promise<T>,
): Promise<T> {
  const path = `${folder}-edited`
  await cp(folder, path, { recursive: true })
  try {
    const run = { name: basename(path), path }
    return await act(cellFolder(run, base.cell.id), async (taken) => {
      try {
        const { cells } = await judgeFolder(run, await lab.registry.checkers(), taken)
        return describeCell(
          cells.find(({ cell }) => cell.id === base.cell.id)!,
          base,
        )
      } catch (error) {
        return error instanceof HarnessError ? `refused: ${lastWords(error, path)}` : `crashed: ${describeError(error)}`
      }
    })
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

function lastWords(error: HarnessError, path: string): string {
  return error.message.replaceAll(join(path, 'cells/'), '').split('\n')[0]!
}

async function readRecord(files: CellFolder): Promise<Recorded> {
  const { history } = await readHistory(files.history)
  return { history, ledger: (await readFile(files.ledger, 'utf8')).trimEnd().split('\n') }
}

async function writeRecord(files: CellFolder, { history, ledger }: Recorded): Promise<void> {
  await writeFile(files.history, history.map((op) => `${JSON.stringify(op)}\n`).join(''))
  await writeFile(files.ledger, ledger.map((line) => `${line}\n`).join(''))
}

/** The verdict, the promises that it says are broken, and every figure that is not as it was. */
function describeCell({ cell, verdict, checks, outcomes, rework, overhead }: CellResult, base: CellResult): string {
  const broken = checks.filter(({ judges, promised, status }) => judges && promised && status === 'fail')
  const { ok: _, ...others } = outcomes
  const shiftMs = (overhead.p50 ?? Infinity) - (base.overhead.p50 ?? Infinity)
  return [
    [verdict, ...broken.map(({ checker }) => checker)].join(' '),
    ...Object.entries(others).flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : [])),
    ...(rework.duplicateEffects > 0 ? [`duplicates ${rework.duplicateEffects}`] : []),
    ...(outcomes.ok === cell.tasks && Math.abs(shiftMs) >= 1
      ? [`p50 ${shiftMs > 0 ? '+' : ''}${shiftMs.toFixed(0)}`]
      : []),
  ].join(', ')
}
