import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folders = ['bench', 'harness', 'patterns', 'reports', 'servers', 'test', 'tools']

/** Who may start processes, each with the label. */
const doors = [
  'harness/cleanup/processes.ts',
  'harness/os/child.ts',
  'harness/os/process-state.ts',
  'harness/os/program.ts',
  'test/support/programs.ts',
]

/** A user's own commands start the user's own service, which is not a run's and stays when we end. */
const unlabelled = ['harness/conform/service-process.ts', 'harness/os/owners-command.ts']

const files = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?[jt]s$/.test(name))
    .map((name) => join(folder, name))
    // It has examples.
    .filter((file) => !import.meta.filename.endsWith(file)),
)
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

/** A module with which a process can be started, imported for more than its types. */
function startsProcesses(text: string): boolean {
  return /^import (?!type\b)[^;]*?from '(node:)?(child_process|cluster)'|(import|require)\('(node:)?(child_process|cluster)'\)/m.test(
    text,
  )
}

test('nobody starts a process but through a door that labels it', () => {
  expect(files.length).toBeGreaterThan(300)
  expect(files.filter((file) => startsProcesses(textOf(file))).toSorted()).toEqual([...doors, ...unlabelled].toSorted())
})

it.each(doors)('%s labels what it starts', (file) => {
  const text = textOf(file)
  const starts = text.match(/\b(?:spawn|spawnSync|exec|execSync|execFile|execFileSync|fork)\(/g) ?? []
  expect(text).toContain('runLabel()')
  expect(starts.length).toBeLessThanOrEqual(1)
})

it.each([
  "import { spawn } from 'node:child_process'",
  "import { type ChildProcess, execFile } from 'child_process'",
  "import * as child from 'node:child_process'",
  "const { fork } = await import('node:child_process')",
  "import cluster from 'node:cluster'",
])('would find: %s', (text) => {
  expect(startsProcesses(text)).toBe(true)
})

test('types start nothing', () => {
  expect(startsProcesses("import type { ChildProcess } from 'node:child_process'")).toBe(false)
})
