import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { exitCodes } from '../../harness/core/errors.ts'
import { readJournal } from '../../harness/cleanup/journal.ts'
import { findLabelled } from '../../harness/cleanup/processes.ts'
import { outlast, startOutlast, temporaryFolders } from '../support/outlast.ts'

const withinMs = 10_000

interface Sight {
  readonly output: string
  readonly commands: readonly string[]
  /** Every history of the run, as far as it is written. */
  readonly histories: string
}

interface Moment {
  readonly signal: 'SIGKILL' | 'SIGINT'
  readonly name: string
  readonly reached: (sight: Sight) => boolean
}

const isInitdb = (command: string): boolean => command.includes('initdb')

const moments: readonly Moment[] = [
  { signal: 'SIGKILL', name: 'while initdb runs', reached: ({ commands }) => commands.some(isInitdb) },
  { signal: 'SIGINT', name: 'while initdb runs', reached: ({ commands }) => commands.some(isInitdb) },
  { signal: 'SIGKILL', name: 'under load', reached: ({ output }) => output.includes(': load') },
  {
    signal: 'SIGKILL',
    name: 'while a fault is armed',
    reached: ({ histories }) => histories.includes('"state":"armed"'),
  },
]

describe.each(moments)('$signal of the harness $name', ({ signal, name, reached }) => {
  it('leaves no process, no port, no shared memory and no temporary database, and the next run starts clean', async () => {
    await using folders = await temporaryFolders()
    const verify = name === 'under load' ? [] : ['--no-verify']
    const args = ['run', 'scenarios/smoke.yaml', ...verify, '--out', folders.out]
    const harness = startOutlast(args, folders.tmp)
    const exited = once(harness, 'exit')
    let output = ''
    harness.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text))
    harness.stderr!.setEncoding('utf8').on('data', (text: string) => (output += text))
    let run = ''
    const look = async (): Promise<Sight> => {
      run = (await readdir(folders.tmp)).join().replace(/^outlast-/, '')
      const commands = run ? findLabelled(run).map(({ command }) => command) : []
      return { output, commands, histories: await readHistories(folders.out) }
    }
    while (!reached(await look())) await sleep(20)
    // Those of initdb come and go: it is killed when there may be one.
    if (name === 'while initdb runs') await sleep(300)
    const before = findLabelled(run)
    const keys = databaseKeys(join(folders.tmp, `outlast-${run}`))
    const spares = before.filter(({ pid }) => isSpare(pid)).length
    const journal = readJournal(join(folders.tmp, `outlast-${run}`))
    const ports = listeningPorts(run)
    harness.kill(signal)
    const [code] = (await exited) as [number | null]
    if (signal === 'SIGINT') expect([exitCodes.inconclusive, exitCodes.invalid, exitCodes.interrupted]).toContain(code)
    const deadline = Date.now() + (signal === 'SIGINT' ? 0 : withinMs)
    const left = async () => [
      ...findLabelled(run).map(({ command }) => command),
      ...(await readdir(folders.tmp)),
      ...segmentsUnder(keys),
    ]
    while ((await left()).length > 0 && Date.now() < deadline) await sleep(100)
    expect(before.length).toBeGreaterThan(0)
    if (name === 'while initdb runs') expect(keys).toHaveLength(1)
    if (name === 'while a fault is armed') expect(journal).toContainEqual(expect.objectContaining({ kind: 'fault' }))
    if (name === 'under load') expect(spares).toBeGreaterThan(0)
    expect(await left()).toEqual([])
    expect(listening().filter((port) => ports.includes(port))).toEqual([])

    const next = await outlast(['doctor'], folders.tmp)
    expect(next.stdout).toMatch(/Leftovers: /)
    expect(next.stdout).not.toContain(run)
  })
})

/** PostgreSQL derives the key of its shared memory from the inode of a database's folder. */
function databaseKeys(folder: string): readonly number[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return names.map(({ name }) => Number(statSync(join(folder, name), { bigint: true }).ino & 0xffff_ffffn))
}

function segmentsUnder(keys: readonly number[]): readonly string[] {
  const rows = readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n').slice(1)
  return rows.filter((row) => keys.includes(Number(row.trim().split(/\s+/)[0]) >>> 0)).map((row) => `segment ${row}`)
}

async function readHistories(out: string): Promise<string> {
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('history.ndjson'))
  return (await Promise.all(files.map((file) => readFile(join(out, file), 'utf8')))).join('')
}

/** Started to become a node, should one be killed. */
function isSpare(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes('OUTLAST_SPARE=1')
  } catch {
    return false
  }
}

/** Ports that processes of the run listen on. */
function listeningPorts(run: string): readonly number[] {
  const sockets = new Set(findLabelled(run).flatMap(({ pid }) => socketsOf(pid)))
  return tcpTable()
    .filter(({ inode }) => sockets.has(inode))
    .map(({ port }) => port)
}

function listening(): readonly number[] {
  return tcpTable().map(({ port }) => port)
}

function socketsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** Listening sockets as the kernel lists them: state 0A. */
function tcpTable(): readonly { port: number; inode: string }[] {
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === '0A')
    .map((columns) => ({ port: Number.parseInt(columns[1]!.split(':')[1]!, 16), inode: columns[9]! }))
}
