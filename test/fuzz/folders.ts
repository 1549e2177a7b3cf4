import { createHash } from 'node:crypto'
import {
  cpSync,
  globSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Op } from '../../harness/model/history.ts'
import type { CellPlan } from '../../harness/model/plan.ts'
import { judgeFolder } from '../../harness/run/judge.ts'
import { cellFolder, createRun, writeResults } from '../../harness/store/run-folder.ts'
import { simulate } from '../mutants/simulate.ts'
import { ledgerOf, linesOf } from '../support/recorded-run.ts'
import { study } from '../unit/reports/study.ts'
import type { Dice } from './dice.ts'
import { distort, escapes } from './odd.ts'
import { damageText } from './texts.ts'
import { execFileSync } from '../support/programs.ts'
import { openRegistry } from '../../harness/registry.ts'

const checkers = await openRegistry().checkers()

/** Of the run below. */
export const cells = ['polling-durable.kill', 'sse-polling-durable.kill'] as const
const kills = [{ ordinal: 1, atMs: 300 }]

/** A run of two patterns as one leaves it, judged, with its checksums. Resolves with its folder. */
export async function recordWholeRun(out: string): Promise<string> {
  const histories = (['polling', 'sse-polling'] as const).map((delivery) =>
    simulate({ delivery, engine: 'durable', tasks: 12, kills, seed: 4 }),
  )
  const planned = histories.map((history) => history[0]!.value as CellPlan)
  const { environment, plan } = study(1)
  const own = { ...plan, scenario: 'recorded', cells: planned, notApplicable: [], health: planned[0]!.health }
  const run = await createRun(out, { environment, plan: own, schedule: '{}\n', scenarioText: 'name: recorded\n' })
  for (const history of histories) await recordCell(cellFolder(run, (history[0]!.value as CellPlan).id), history)
  await writeResults(run, await judgeFolder(run, checkers, 'fresh'))
  return run.path
}

async function recordCell(cell: ReturnType<typeof cellFolder>, history: readonly Op[]): Promise<void> {
  await mkdir(dirname(cell.history), { recursive: true })
  await writeFile(cell.history, linesOf(history))
  await writeFile(cell.ledger, linesOf(ledgerOf(history)))
  await writeFile(cell.evidence, '')
}

/** A run folder to which something happened. */
export interface Damaged {
  readonly path: string
  /** A file for which `results.json` vouches is not the same any more, and `results.json` was not made to agree. */
  readonly isEvident: boolean
  readonly what: string
}

export function damageRun(whole: string, path: string, dice: Dice): Damaged {
  cpSync(whole, path, { recursive: true })
  const files = globSync('**/*', { cwd: path })
    .filter((name) => lstatSync(join(path, name)).isFile())
    .toSorted()
  const name = dice.chance(0.4) ? dice.pick(files.filter((one) => one.endsWith('history.ndjson'))) : dice.pick(files)
  const file = join(path, name)
  const before = readFileSync(file)
  const how = dice.chance(0.2) ? replaceFile(file, dice) : rewriteFile(file, name, dice)
  const vouched = Object.keys(sealOf(whole).files).includes(name)
  const isSame = holds(file, before)
  const isRenewed = vouched && !isSame && dice.chance(0.6) && renewSeal(path, name)
  return {
    path,
    isEvident: vouched && !isSame && !isRenewed,
    what: `${name}: ${how}${isRenewed ? ', sealed anew' : ''}`,
  }
}

function holds(file: string, bytes: Buffer): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false })
  return found?.isFile() === true && found.size === bytes.length && readFileSync(file).equals(bytes)
}

/** Something else where a regular file was. */
function replaceFile(file: string, dice: Dice): string {
  const ways: Readonly<Record<string, () => void>> = {
    'is gone': () => {},
    'is a FIFO': () => execFileSync('mkfifo', [file]),
    'is a folder': () => mkdirSync(file),
    'is a link to itself': () => symlinkSync(file, file),
    'is a link to /dev/zero': () => symlinkSync('/dev/zero', file),
    'is a link to /etc/passwd': () => symlinkSync('/etc/passwd', file),
    'is a link to nothing': () => symlinkSync(`${file}.gone`, file),
    'has 10 GB of zeros': () => (writeFileSync(file, ''), truncateSync(file, 10 * 2 ** 30)),
  }
  const how = dice.pick(Object.keys(ways))
  rmSync(file)
  ways[how]!()
  return how
}

function rewriteFile(file: string, name: string, dice: Dice): string {
  const text = readFileSync(file, 'utf8')
  const write = (content: string | Buffer): void => writeFileSync(file, content)
  const ways: Readonly<Record<string, () => void>> = {
    'other bytes': () => write(damageText(text, dice)),
    'other values': () => write(distortFile(text, name, dice)),
    'other values again': () => write(distortFile(text, name, dice)),
    'a long line': () => write(`${text}{"a":"${'x'.repeat(20_000_000)}"}\n`),
    'a line that never ends': () => write(text + '['.repeat(2_000_000)),
    'escapes in its texts': () =>
      write(
        text.replaceAll(
          /"([a-z])/g,
          (_, first: string) => `"${JSON.stringify(dice.pick(escapes)).slice(1, -1)}${first}`,
        ),
      ),
    'no text': () => write(''),
  }
  const how = dice.pick(Object.keys(ways))
  ways[how]!()
  return how
}

/** Of a file of lines, one to three of them. */
function distortFile(text: string, name: string, dice: Dice): string {
  if (!name.endsWith('.ndjson')) return onJson(text, dice)
  const lines = text.split('\n')
  for (let i = 0; i <= dice.below(3); i++) {
    const at = dice.below(Math.max(lines.length - 1, 1))
    lines[at] = onJson(lines[at]!, dice)
  }
  return lines.join('\n')
}

function onJson(text: string, dice: Dice): string {
  try {
    return JSON.stringify(distort(JSON.parse(text), dice)) ?? 'undefined'
  } catch {
    return damageText(text, dice).toString('latin1')
  }
}

interface Sealed {
  files: Record<string, string>
}

function sealOf(run: string): Sealed {
  return JSON.parse(readFileSync(join(run, 'results.json'), 'utf8')) as Sealed
}

/** As somebody would who wants to be believed. */
function renewSeal(run: string, name: string): boolean {
  const path = join(run, name)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found?.isFile() || found.size > 2 ** 28) return false
  const results = sealOf(run)
  results.files[name] = createHash('sha256').update(readFileSync(path)).digest('hex')
  writeFileSync(join(run, 'results.json'), JSON.stringify(results))
  return true
}

/** What is asked of a run, and the exit codes that its description allows. */
export function questionsAbout(run: string, whole: string, out: string, dice: Dice): readonly (readonly string[])[] {
  const [first, second] = cells
  const id = `${dice.pick(cells)}.1`
  const edited = dice.chance(0.6) ? ['--edited'] : []
  return [
    ['check', run, ...edited],
    ...dice.pick([
      [['report', run, '--format', 'html,markdown,json,terminal,junit,csv', '--out', out, ...edited]],
      [['explain', run, dice.pick(['3', 't-00001', '12', '99', '\u001b[1m'] as const), '--cell', id, ...edited]],
      [['compare', `${run}:${first}`, `${run}:${second}`]],
      [['compare', whole, run]],
    ]),
  ]
}
